using IommuCluster.Grains.Contracts;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Boots;

/// <summary>The keys of a boot's grains: the boot's name, a slash, and which of its grains.</summary>
internal static class GrainKeys
{
    private const int HomeShift = 42; // Home index and kind are above, thread, count and offset below.
    private const char ScatterMark = '*';
    private const string CpuPrefix = "cpu";

    /// <summary>The boot that a key belongs to.</summary>
    public static string BootOf(string key) => key[..key.LastIndexOf('/')];

    /// <summary>The number of an owner or CPU.</summary>
    public static int IndexOf(string key) => int.Parse(key.AsSpan(key.LastIndexOf('/') + 1).TrimStart(CpuPrefix), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The name under which a boot's grains are spread over the silos.</summary>
    public static string Scattered(string boot) => boot + ScatterMark;

    /// <summary>Tells whether a boot's grains are spread over the silos. The name carries it: every silo has to place alike.</summary>
    public static bool IsScattered(string boot) => boot.EndsWith(ScatterMark);

    /// <summary>A CPU.</summary>
    public static ICpuGrain Cpu(this IGrainFactory grains, string boot, int number) => grains.GetGrain<ICpuGrain>($"{boot}/{CpuPrefix}{number}");

    /// <summary>A graph of lock classes.</summary>
    public static ILockGraphGrain LockGraph(this IGrainFactory grains, string name) => grains.GetGrain<ILockGraphGrain>($"{name}/locks");

    /// <summary>The SoC.</summary>
    public static ISocGrain Soc(this IGrainFactory grains, string boot) => grains.GetGrain<ISocGrain>($"{boot}/soc");

    /// <summary>What all addresses of an owner have in common; what is no address has an owner of its own here.</summary>
    public static ulong OwnerBits(ulong address) => address >> HomeShift;

    /// <summary>The grain that owns an address; what is no address is the SoC's to answer for.</summary>
    public static IMemoryGrain OwnerOf(this IGrainFactory grains, string boot, ulong address) =>
        new Address(address) is { IsObject: true, Home: var home } ? grains.Owner(boot, home) : grains.Soc(boot);

    /// <summary>The grain of an owner.</summary>
    public static IMemoryGrain Owner(this IGrainFactory grains, string boot, Home home) => home.Kind switch
    {
        HomeKind.Device => grains.GetGrain<IDeviceGrain>($"{boot}/{home.Index}"),
        HomeKind.Iommu => grains.GetGrain<IIommuGrain>($"{boot}/{home.Index}"),
        HomeKind.Group => grains.GetGrain<IGroupGrain>($"{boot}/{home.Index}"),
        HomeKind.Domain => grains.GetGrain<IDomainGrain>($"{boot}/{home.Index}"),
        _ => grains.Soc(boot),
    };
}
