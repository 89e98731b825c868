namespace IommuCluster.Kernel.Profiles;

/// <summary>Linux 6.10: the core sets the DMA ops under the group mutex, and nobody else clears them.</summary>
internal static class Linux610
{
    /// <summary>The switches.</summary>
    public static Profile Profile { get; } = LinuxNext20240430.Profile with
    {
        Name = "linux-6.10",
        Summary = "the core sets DMA ops under the group mutex, and arm64 leaves them alone",
        Era = "K610-DMAOPS.final",
        Release = new KernelRelease(6, 10),
        ArchTeardownClearsDmaOps = false,
    };
}
