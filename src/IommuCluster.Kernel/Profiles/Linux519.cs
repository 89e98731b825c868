namespace IommuCluster.Kernel.Profiles;

/// <summary>Linux 5.19: the core counts owners of a group's DMA; a blocking domain; rule C.</summary>
internal static class Linux519
{
    /// <summary>The switches.</summary>
    public static Profile Profile { get; } = Linux517.Profile with
    {
        Name = "linux-5.19",
        Summary = "DMA ownership and blocking domains; attaching over a foreign domain is -EBUSY",
        Era = "K519-OWNER.final",
        Release = new KernelRelease(5, 19),
        BusyRule = BusyRule.C,
        DmaOwnership = true,
    };
}
