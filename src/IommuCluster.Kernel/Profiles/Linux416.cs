namespace IommuCluster.Kernel.Profiles;

/// <summary>Linux 4.16: the core of 4.15; what is mended is the MediaTek driver of the first generation.</summary>
internal static class Linux416
{
    /// <summary>The switches.</summary>
    public static Profile Profile { get; } = Linux415.Profile with
    {
        Name = "linux-4.16",
        Summary = "the core of 4.15; mtk-iommu-v1 attaches after it has joined a group of its own",
        Era = "K415-GROUPS.fix",
        Release = new KernelRelease(4, 16),
    };
}
