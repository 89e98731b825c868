namespace IommuCluster.Kernel.Profiles;

/// <summary>Linux 5.17: core-owned default domains, one bus walk a driver, no lock around a device's probe, no DMA ownership.</summary>
internal static class Linux517
{
    /// <summary>The switches.</summary>
    public static Profile Profile { get; } = new()
    {
        Name = "linux-5.17",
        Summary = "core-owned default domains, one bus walk a driver, no lock around a device's probe",
        Era = "K58-DEFDOM.517",
        Release = new KernelRelease(5, 17),
        BusWalk = BusWalk.OncePerDriver,
        SecondDriver = SecondDriver.BusyOnBus,
        OpsFromBus = true,
        ProbeLock = ProbeLock.None,
        FwspecUnderProbeLock = false,
        AlreadyProbedCheckLocked = false,
        ReplayAlways = false,
        DefaultDomainRequired = false,
        StaticIdentityDomains = false,
        BusyRule = BusyRule.A,
        AttachFailure = AttachFailure.Split,
        DmaOwnership = false,
        DmaOpsSetter = DmaOpsSetter.Architecture,
        ArchTeardownClearsDmaOps = true,
        CookieMutex = false,
        DomainOwnerChecked = false,
        AssertsProbeLock = false,
        DeferredProbeTimeoutSeconds = 0,
    };
}
