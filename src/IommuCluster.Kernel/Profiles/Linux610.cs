namespace IommuCluster.Kernel.Profiles;

/// <summary>Linux 6.10: the core sets the DMA ops under the group mutex.</summary>
internal static class Linux610
{
    /// <summary>The switches.</summary>
    public static Profile Profile { get; } = Linux68.Profile with
    {
        Name = "linux-6.10",
        Summary = "the core sets DMA ops under the group mutex",
        Era = "K610-DMAOPS.final",
        DmaOpsSetter = DmaOpsSetter.Core,
        ArchTeardownClearsDmaOps = false,
    };
}
