using System.Collections.Immutable;

namespace IommuCluster.Kernel.Profiles;

/// <summary>
/// An era's switches as flows ask for them, with a note of which were asked for: a switch that no flow of a run has asked for
/// has no part in what the run saw. Belongs to one machine.
/// </summary>
/// <param name="profile">The era.</param>
public sealed class ProfileSwitches(Profile profile)
{
    /// <summary>The names of all switches; a switch is called by its place here.</summary>
    public static ImmutableArray<string> Names { get; } =
    [
        nameof(Release),
        nameof(CoreCalls),
        nameof(AttachChecksGroup),
        nameof(FwspecInDevice),
        nameof(IommuDeferral),
        nameof(FirmwareDeviceLinks),
        nameof(BusWalk),
        nameof(SecondDriver),
        nameof(OpsFromBus),
        nameof(ProbeLock),
        nameof(FwspecUnderProbeLock),
        nameof(AlreadyProbedCheckLocked),
        nameof(ReplayAlways),
        nameof(DefaultDomainRequired),
        nameof(StaticIdentityDomains),
        nameof(BusyRule),
        nameof(AttachFailure),
        nameof(DmaOwnership),
        nameof(IdentityEqualsIdentity),
        nameof(DmaOpsSetter),
        nameof(ArchTeardownClearsDmaOps),
        nameof(CookieMutex),
        nameof(DomainOwnerChecked),
        nameof(AssertsProbeLock),
        nameof(DeferredProbeTimeoutSeconds),
        nameof(BindWaitsForDefaultDomain),
    ];

    private ulong _asked;

    /// <summary>A bit for each switch that was asked for. Whoever runs a part of a run sets it back before and reads it afterwards.</summary>
    public ulong Asked
    {
        get => _asked;
        set => _asked = value;
    }

    /// <inheritdoc cref="Profile.Release"/>
    public KernelRelease Release => Ask(0, profile.Release);

    /// <inheritdoc cref="Profile.CoreCalls"/>
    public CoreCalls CoreCalls => Ask(1, profile.CoreCalls);

    /// <inheritdoc cref="Profile.AttachChecksGroup"/>
    public bool AttachChecksGroup => Ask(2, profile.AttachChecksGroup);

    /// <inheritdoc cref="Profile.FwspecInDevice"/>
    public bool FwspecInDevice => Ask(3, profile.FwspecInDevice);

    /// <inheritdoc cref="Profile.IommuDeferral"/>
    public IommuDeferral IommuDeferral => Ask(4, profile.IommuDeferral);

    /// <inheritdoc cref="Profile.FirmwareDeviceLinks"/>
    public bool FirmwareDeviceLinks => Ask(5, profile.FirmwareDeviceLinks);

    /// <inheritdoc cref="Profile.BusWalk"/>
    public BusWalk BusWalk => Ask(6, profile.BusWalk);

    /// <inheritdoc cref="Profile.SecondDriver"/>
    public SecondDriver SecondDriver => Ask(7, profile.SecondDriver);

    /// <inheritdoc cref="Profile.OpsFromBus"/>
    public bool OpsFromBus => Ask(8, profile.OpsFromBus);

    /// <inheritdoc cref="Profile.ProbeLock"/>
    public ProbeLock ProbeLock => Ask(9, profile.ProbeLock);

    /// <inheritdoc cref="Profile.FwspecUnderProbeLock"/>
    public bool FwspecUnderProbeLock => Ask(10, profile.FwspecUnderProbeLock);

    /// <inheritdoc cref="Profile.AlreadyProbedCheckLocked"/>
    public bool AlreadyProbedCheckLocked => Ask(11, profile.AlreadyProbedCheckLocked);

    /// <inheritdoc cref="Profile.ReplayAlways"/>
    public bool ReplayAlways => Ask(12, profile.ReplayAlways);

    /// <inheritdoc cref="Profile.DefaultDomainRequired"/>
    public bool DefaultDomainRequired => Ask(13, profile.DefaultDomainRequired);

    /// <inheritdoc cref="Profile.StaticIdentityDomains"/>
    public bool StaticIdentityDomains => Ask(14, profile.StaticIdentityDomains);

    /// <inheritdoc cref="Profile.BusyRule"/>
    public BusyRule BusyRule => Ask(15, profile.BusyRule);

    /// <inheritdoc cref="Profile.AttachFailure"/>
    public AttachFailure AttachFailure => Ask(16, profile.AttachFailure);

    /// <inheritdoc cref="Profile.DmaOwnership"/>
    public bool DmaOwnership => Ask(17, profile.DmaOwnership);

    /// <inheritdoc cref="Profile.IdentityEqualsIdentity"/>
    public bool IdentityEqualsIdentity => Ask(18, profile.IdentityEqualsIdentity);

    /// <inheritdoc cref="Profile.DmaOpsSetter"/>
    public DmaOpsSetter DmaOpsSetter => Ask(19, profile.DmaOpsSetter);

    /// <inheritdoc cref="Profile.ArchTeardownClearsDmaOps"/>
    public bool ArchTeardownClearsDmaOps => Ask(20, profile.ArchTeardownClearsDmaOps);

    /// <inheritdoc cref="Profile.CookieMutex"/>
    public bool CookieMutex => Ask(21, profile.CookieMutex);

    /// <inheritdoc cref="Profile.DomainOwnerChecked"/>
    public bool DomainOwnerChecked => Ask(22, profile.DomainOwnerChecked);

    /// <inheritdoc cref="Profile.AssertsProbeLock"/>
    public bool AssertsProbeLock => Ask(23, profile.AssertsProbeLock);

    /// <inheritdoc cref="Profile.DeferredProbeTimeoutSeconds"/>
    public int DeferredProbeTimeoutSeconds => Ask(24, profile.DeferredProbeTimeoutSeconds);

    /// <inheritdoc cref="Profile.BindWaitsForDefaultDomain"/>
    public bool BindWaitsForDefaultDomain => Ask(25, profile.BindWaitsForDefaultDomain);

    private T Ask<T>(int place, T value)
    {
        var bit = 1UL << place;
        if ((_asked & bit) == 0)
        {
            System.Threading.Interlocked.Or(ref _asked, bit); // Boots on many cores share a machine; once it is set they only read it.
        }

        return value;
    }
}
