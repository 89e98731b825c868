using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using IommuCluster.Boards;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Profiles;

namespace IommuCluster.Scenarios.Tests.RealKernel;

/// <summary>
/// What Linux 6.12.107 did on QEMU's arm64 machine with an SMMUv3 and PCI functions: the order of the core's functions
/// around one function, and which sleeping locks were taken under which. The model's 6.10 differs from it in nothing that is compared here.
/// </summary>
public sealed class Linux612Tests
{
    private const string Device = "0000:00:05.0";

    /// <summary>The functions that are compared. Those of drivers and buses are the machine's own; the look for the ops moved in 6.11.</summary>
    private static readonly string[] s_compared =
    [
        "device_add", "really_probe", "of_dma_configure_id", "of_iommu_configure", "of_iommu_xlate", "iommu_fwspec_init", "iommu_fwspec_add_ids", "iommu_probe_device",
        "__iommu_probe_device", "iommu_group_alloc", "iommu_setup_default_domain", "__iommu_domain_alloc", "__iommu_group_set_domain", "__iommu_attach_device",
        "iommu_setup_dma_ops", "iommu_device_use_default_domain", "iommu_device_unuse_default_domain", "iommu_group_store_type", "iommu_domain_free",
        "__iommu_take_dma_ownership", "__iommu_group_remove_device", "iommu_deinit_device",
    ];

    private static readonly string[] s_firstBind =
    [
        "really_probe", "of_dma_configure_id", "of_iommu_configure", "of_iommu_xlate", "iommu_fwspec_init", "iommu_fwspec_add_ids", "iommu_probe_device", "__iommu_probe_device",
        "iommu_group_alloc", "iommu_setup_default_domain", "__iommu_domain_alloc", "__iommu_group_set_domain", "__iommu_attach_device", "iommu_setup_dma_ops",
        "iommu_device_use_default_domain",
    ];

    [Fact]
    public void DeferredBind_OfAFunctionWhoseSmmuComesLate_CallsWhatTheKernelCalls()
    {
        var worker = Boot().Entered.Where(entry => entry.Thread == "kworker/deferred_probe").Select(entry => entry.Function).Where(s_compared.Contains).ToList();

        // The tries before ended with -EPROBE_DEFER.
        Assert.Equal(s_firstBind, worker[worker.LastIndexOf("really_probe")..]);
    }

    [Theory]
    [InlineData("unbind", "iommu_device_unuse_default_domain")]
    [InlineData("unbind, bind", "iommu_device_unuse_default_domain really_probe of_dma_configure_id of_iommu_configure iommu_device_use_default_domain")]
    [InlineData("type-identity", "iommu_group_store_type")] // -EPERM: a driver is bound.
    [InlineData("unbind, type-identity", "iommu_device_unuse_default_domain iommu_group_store_type iommu_setup_default_domain __iommu_group_set_domain __iommu_attach_device iommu_domain_free iommu_setup_dma_ops")] // The static domain's "allocation" touches nothing.
    [InlineData("unbind, claim, type-identity", "iommu_device_unuse_default_domain __iommu_take_dma_ownership __iommu_domain_alloc __iommu_group_set_domain __iommu_attach_device iommu_group_store_type")] // -EPERM: a user owns the group.
    [InlineData("remove", "iommu_device_unuse_default_domain __iommu_group_remove_device iommu_deinit_device iommu_domain_free")]
    public void UserActions_OnAFunction_CallWhatTheKernelCalls(string actions, string functions)
    {
        var seen = Boot([.. actions.Split(", ").Select(Parse)]);

        Assert.Equal(functions.Split(' '), seen.Entered.Where(entry => entry.Thread == "user").Select(entry => entry.Function).Where(s_compared.Contains));
    }

    [Fact]
    public void Rescan_OfARemovedFunction_ProbesItInVainAndThenAsItBinds()
    {
        var seen = Boot(Parse("remove"), Parse("rescan"));
        var functions = seen.Entered.Where(entry => entry.Thread == "user").Select(entry => entry.Function).Where(s_compared.Contains);

        // The bus's notifier comes first and finds no fwspec (-ENODEV); the driver's bind parses the firmware.
        Assert.Equal(["device_add", "iommu_probe_device", "__iommu_probe_device", .. s_firstBind], functions.SkipWhile(function => function != "device_add"));
    }

    [Fact]
    public void SleepingLocks_OfTheSameFlows_AreTakenUnderTheSameOnes()
    {
        string[] kernel =
        [
            "&(&priv->bus_notifier)->rwsem -> &group->mutex",
            "&(&priv->bus_notifier)->rwsem -> iommu_probe_device_lock",
            "&dev->mutex -> &(&priv->bus_notifier)->rwsem",
            "&dev->mutex -> &cookie->mutex",
            "&dev->mutex -> &dev->mutex",
            "&dev->mutex -> &group->mutex",
            "&dev->mutex -> deferred_probe_mutex",
            "&dev->mutex -> device_links_lock",
            "&dev->mutex -> iommu_probe_device_lock",
            "&group->mutex -> &cookie->mutex",
            "iommu_probe_device_lock -> &cookie->mutex",
            "iommu_probe_device_lock -> &group->mutex",
        ];

        var model = Boot(Parse("unbind"), Parse("type-identity"), Parse("type-dma"), Parse("bind"), Parse("remove"), Parse("rescan")).Edges;

        Assert.Equal(kernel, model);
    }

    private static UserAction Parse(string verb) => new(Enum.Parse<UserVerb>(verb.Replace("-", string.Empty, StringComparison.Ordinal), ignoreCase: true), Device);

    /// <summary>Boots the machine with its SMMU as a module, so that its functions wait for it, and has a user do things.</summary>
    private static Observed Boot(params ImmutableArray<UserAction> actions)
    {
        var none = ImmutableSortedDictionary<string, string>.Empty;
        var plan = new BootPlan
        {
            Board = BoardCatalog.Locate(Here()).Load("qemu-virt-smmuv3"),
            Profile = ProfileCatalog.Find("linux-6.10")!,
            Masters = [Device],
            PciFunctions = ImmutableSortedDictionary<string, ImmutableArray<uint>>.Empty.Add("pci0000:00", [0x28]),
            Drivers = [new DriverPlan("arm-smmu-v3", DriverLoad.Module, ProbeMode.Synchronous, none)],
            Users = actions.IsEmpty ? [] : [actions],
        };
        var runtime = new DeterministicRuntime(BootWorkload.Create(plan), new RuntimeOptions { WholeTrace = true });
        var seen = new Observed();
        runtime.Watch = seen.Watch;
        var strategy = new RandomWalk(1);
        strategy.BeginSchedule(0);
        Assert.Equal(ScheduleEnd.Completed, runtime.Run(strategy, 0));
        return seen;
    }

    private static string Here([CallerFilePath] string here = "") => Path.GetDirectoryName(here)!;
}
