using IommuCluster.Grains.Contracts;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Boots;

/// <summary>The keys of a boot's grains: the boot's name, a slash, and which of its grains.</summary>
internal static class GrainKeys
{
    private const int HomeShift = 42; // Home index and kind are above, thread, count and offset below.
    private const char ScatterMark = '*';
    private const string CpuPrefix = "cpu";

    private static readonly Kind s_soc = new(Names.Soc);
    private static readonly Kind s_cpu = new(Names.Cpu);
    private static readonly Kind s_locks = new(Names.Locks);
    private static readonly Kind s_device = new(Names.Device);
    private static readonly Kind s_iommu = new(Names.Iommu);
    private static readonly Kind s_group = new(Names.Group);
    private static readonly Kind s_domain = new(Names.Domain);

    /// <summary>The boot that a key belongs to.</summary>
    public static string BootOf(string key) => key[..key.LastIndexOf('/')];

    /// <summary>The number of an owner or CPU.</summary>
    public static int IndexOf(string key) => int.Parse(key.AsSpan(key.LastIndexOf('/') + 1).TrimStart(CpuPrefix), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The name under which a boot's grains are spread over the silos.</summary>
    public static string Scattered(string boot) => boot + ScatterMark;

    /// <summary>Tells whether a boot's grains are spread over the silos. The name carries it: every silo has to place alike.</summary>
    public static bool IsScattered(string boot) => boot.EndsWith(ScatterMark);

    /// <summary>A CPU.</summary>
    public static ICpuGrain Cpu(this IGrainFactory grains, string boot, int number) => grains.Get<ICpuGrain>(s_cpu, $"{boot}/{CpuPrefix}{number}");

    /// <summary>A graph of lock classes.</summary>
    public static ILockGraphGrain LockGraph(this IGrainFactory grains, string name) => grains.Get<ILockGraphGrain>(s_locks, $"{name}/locks");

    /// <summary>The SoC.</summary>
    public static ISocGrain Soc(this IGrainFactory grains, string boot) => grains.Get<ISocGrain>(s_soc, $"{boot}/soc");

    /// <summary>What all addresses of an owner have in common; what is no address has an owner of its own here.</summary>
    public static ulong OwnerBits(ulong address) => address >> HomeShift;

    /// <summary>The grain that owns an address; what is no address is the SoC's to answer for.</summary>
    public static IMemoryGrain OwnerOf(this IGrainFactory grains, string boot, ulong address) =>
        new Address(address) is { IsObject: true, Home: var home } ? grains.Owner(boot, home) : grains.Soc(boot);

    /// <summary>The grain of an owner.</summary>
    public static IMemoryGrain Owner(this IGrainFactory grains, string boot, Home home) => home.Kind switch
    {
        HomeKind.Device => grains.Get<IDeviceGrain>(s_device, $"{boot}/{home.Index}"),
        HomeKind.Iommu => grains.Get<IIommuGrain>(s_iommu, $"{boot}/{home.Index}"),
        HomeKind.Group => grains.Get<IGroupGrain>(s_group, $"{boot}/{home.Index}"),
        HomeKind.Domain => grains.Get<IDomainGrain>(s_domain, $"{boot}/{home.Index}"),
        _ => grains.Soc(boot),
    };

    /// <summary>A reference by names that are known: by the type of the interface alone, Orleans would read its attributes each time.</summary>
    private static T Get<T>(this IGrainFactory grains, Kind kind, string key)
        where T : IGrainWithStringKey => (T)grains.GetGrain(GrainId.Create(kind.Grain, key), kind.Interface);

    /// <summary>The names of grain classes and their interfaces.</summary>
    internal static class Names
    {
        /// <summary>The SoC.</summary>
        public const string Soc = "iommucluster.soc";

        /// <summary>A CPU.</summary>
        public const string Cpu = "iommucluster.cpu";

        /// <summary>A graph of lock classes.</summary>
        public const string Locks = "iommucluster.locks";

        /// <summary>A device.</summary>
        public const string Device = "iommucluster.device";

        /// <summary>An IOMMU instance.</summary>
        public const string Iommu = "iommucluster.iommu";

        /// <summary>A group.</summary>
        public const string Group = "iommucluster.group";

        /// <summary>A domain.</summary>
        public const string Domain = "iommucluster.domain";
    }

    /// <summary>What a grain class and its interface are called: the same.</summary>
    private sealed class Kind(string name)
    {
        public GrainType Grain { get; } = GrainType.Create(name);

        public GrainInterfaceType Interface { get; } = GrainInterfaceType.Create(name);
    }
}
