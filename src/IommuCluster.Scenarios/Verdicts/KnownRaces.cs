using System.Collections.Immutable;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Profiles;

namespace IommuCluster.Scenarios.Verdicts;

/// <summary>A data race that a kernel era really contains: told with its source, and no fault of the model.</summary>
/// <param name="Source">Number in the failure catalogue where there is one, who races with whom, and what became of it.</param>
/// <param name="In">The eras that have it, told by the switch that made or mended it.</param>
/// <param name="Places">The accesses.</param>
public sealed record KnownRace(string Source, Func<Profile, bool> In, ImmutableArray<FindingMatcher> Places);

/// <summary>
/// The data races of the modelled kernels, for all scenarios: what is not here and not among a scenario's <c>known</c> is a
/// race that a change brought, or a fault of the model. A scenario names only those that its own set-up makes.
/// </summary>
public static class KnownRaces
{
    /// <summary>All of them.</summary>
    public static ImmutableArray<KnownRace> All { get; } =
    [
        new(
            "R07: of_iommu_configure (drivers/iommu/of_iommu.c) makes dev->iommu and its fwspec while a registration's walk probes the device and may free them; iommu_probe_device_lock covers both since a2e7e59a9426 (v6.7)",
            profile => !profile.FwspecUnderProbeLock,
            [
                .. On("device", "iommu", "dev_iommu_get", "dev_iommu_free"),
                .. On("device", "iommu_fwspec", "iommu_fwspec_init", "iommu_fwspec_add_ids", "iommu_fwspec_free"),
                .. On("dev_iommu", "fwspec", "iommu_fwspec_init", "iommu_fwspec_add_ids", "iommu_fwspec_free"),
                .. On("iommu_fwspec", field: null, "iommu_fwspec_init", "iommu_fwspec_add_ids", "iommu_fwspec_free"),
                .. On("dev_iommu", field: null, "dev_iommu_free"),
                .. On("iommu_fwspec", field: null, "dev_iommu_free"),
                .. On(string.Empty, field: null, "dev_iommu_free"),
            ]),
        new(
            "R09: two walks, or a walk and a bind, probe one device (__iommu_probe_device in drivers/iommu/iommu.c); serialised since 01657bc14a39 (v6.2), the test whether it has a group and the attach of its default domain since v6.6",
            profile => profile is { CoreCalls: CoreCalls.ProbeDevice, AlreadyProbedCheckLocked: false },
            [
                .. On("device", "iommu_group", "iommu_group_add_device"),
                .. On("dev_iommu", "iommu_dev", "__iommu_probe_device"),
                .. On("dev_iommu", "priv", "dev_iommu_priv_set"),
                .. On("arm_smmu_master_cfg", field: null, "arm_smmu_probe_device"),
            ]),
        new(
            "R09: without any lock around the core's probe (up to v6.1) also the group's default domain and its place on the walk's list",
            profile => profile is { CoreCalls: CoreCalls.ProbeDevice, ProbeLock: ProbeLock.None },
            [.. On("iommu_group", "default_domain", "iommu_alloc_default_domain"), .. On("list_head", field: null, "__iommu_probe_device")]),
        new(
            "R17: iommu_get_domain_for_dev (drivers/iommu/iommu.c) reads group->domain without group->mutex, in all eras here; a bind finds NULL where the walk is about to attach (b46064a18810, v6.15, makes the bind wait)",
            _ => true,
            On("iommu_group", "domain", "iommu_get_domain_for_dev")),
        new(
            "R17: iommu_setup_dma_ops (drivers/iommu/dma-iommu.c), called by arch_setup_dma_ops without group->mutex, reads the domain that it found there; under the mutex since b67483b3c44e (v6.10)",
            profile => profile.DmaOpsSetter == DmaOpsSetter.Architecture,
            On("iommu_domain", "type", "iommu_setup_dma_ops")),
        new(
            "bus->iommu_ops (drivers/iommu/iommu.c) is written by bus_set_iommu or iommu_device_register and read by every probe, all plain and unlocked; benign while one driver writes one pointer into one word, gone with 17de3f5fdd35 (v6.8)",
            profile => profile.OpsFromBus || profile.BusWalk == BusWalk.OncePerDriver,
            On("globals", "platform_bus_type.iommu_ops", "bus_set_iommu", "iommu_device_register")),
    ];

    /// <summary>Finds a race among those of an era.</summary>
    /// <param name="finding">The race.</param>
    /// <param name="profile">The era.</param>
    /// <returns>The race that it is, or null when the era is not known for it.</returns>
    public static KnownRace? Find(Finding finding, Profile profile) =>
        finding.IsRace ? All.FirstOrDefault(known => known.In(profile) && known.Places.Any(place => place.Matches(finding))) : null;

    /// <summary>Races on a word, or on any of a type's, of which one side is in one of some functions: the writers, or the reader that takes no lock.</summary>
    private static ImmutableArray<FindingMatcher> On(string type, string? field, params ImmutableArray<string> functions) =>
        [.. functions.Select(function => new FindingMatcher(FindingKind.DataRace, function, type, field, Other: null, Source: null))];
}
