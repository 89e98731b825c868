namespace IommuCluster.Kernel.Profiles;

/// <summary>Linux 6.2: a mutex inside <c>__iommu_probe_device</c>.</summary>
internal static class Linux62
{
    /// <summary>The switches.</summary>
    public static Profile Profile { get; } = Linux61Rc7.Profile with
    {
        Name = "linux-6.2",
        Summary = "a mutex inside the core's probe; firmware parsing does not take it",
        Era = "K61-REGPROBE.62",
        Release = new KernelRelease(6, 2),
        ProbeLock = ProbeLock.Inner,
    };
}
