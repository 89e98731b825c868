namespace IommuCluster.Kernel.Profiles;

/// <summary>Linux 6.8: the probe lock covers firmware parsing; no ops on the bus; several kinds of IOMMU.</summary>
internal static class Linux68
{
    /// <summary>The switches.</summary>
    public static Profile Profile { get; } = Linux66.Profile with
    {
        Name = "linux-6.8",
        Summary = "the probe lock covers firmware parsing; several kinds of IOMMU side by side",
        Era = "K68-FWSPECLOCK",
        Release = new KernelRelease(6, 8),
        SecondDriver = SecondDriver.Allowed,
        OpsFromBus = false,
        FwspecUnderProbeLock = true,
        DefaultDomainRequired = true,
        StaticIdentityDomains = true,
        IdentityEqualsIdentity = false,
        DomainOwnerChecked = true,
        AssertsProbeLock = true,
    };
}
