namespace IommuCluster.Kernel.Profiles;

/// <summary>linux-next of 30 April 2024: the core sets the DMA ops once, arm64 still clears them at every failed probe.</summary>
internal static class LinuxNext20240430
{
    /// <summary>The switches.</summary>
    public static Profile Profile { get; } = Linux68.Profile with
    {
        Name = "linux-next-20240430",
        Summary = "the core sets DMA ops under the group mutex; arm64 clears them at every failed probe",
        Era = "K610-DMAOPS.next",
        Release = new KernelRelease(6, 9),
        DmaOpsSetter = DmaOpsSetter.Core,
        ArchTeardownClearsDmaOps = true,
    };
}
