namespace IommuCluster.Kernel.Profiles;

/// <summary>Linux 6.6.0: callers hold the probe lock, the group work is one section; firmware parsing is still outside.</summary>
internal static class Linux66
{
    /// <summary>The switches.</summary>
    public static Profile Profile { get; } = Linux62.Profile with
    {
        Name = "linux-6.6",
        Summary = "callers hold the probe lock, groups are set up in one section; firmware parsing is still outside (v6.6.0)",
        Era = "K66-GROUPLOCK.66",
        Release = new KernelRelease(6, 6),
        ProbeLock = ProbeLock.Caller,
        AlreadyProbedCheckLocked = true,
        ReplayAlways = true,
        AttachFailure = AttachFailure.Revert,
    };
}
