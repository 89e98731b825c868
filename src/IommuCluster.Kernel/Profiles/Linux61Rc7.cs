namespace IommuCluster.Kernel.Profiles;

/// <summary>Linux 6.1-rc7: every registration walks all buses, and nothing serialises the walks.</summary>
internal static class Linux61Rc7
{
    /// <summary>The switches.</summary>
    public static Profile Profile { get; } = Linux519.Profile with
    {
        Name = "linux-6.1-rc7",
        Summary = "every registration walks all buses, nothing serialises the walks",
        Era = "K61-REGPROBE.61",
        Release = new KernelRelease(6, 1),
        BusWalk = BusWalk.EveryRegistration,
        SecondDriver = SecondDriver.BusyAnywhere,
        IdentityEqualsIdentity = true,
        CookieMutex = true,
        DeferredProbeTimeoutSeconds = 10,
    };
}
