using System.Globalization;
using IommuCluster.Grains.Contracts;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Boots;

/// <summary>
/// The keys of a boot's grains. The SoC's is the boot's name, a slash, and "soc". Those of its parts begin with the boot's name, a
/// slash, and the silo that the SoC is on, so that whoever places a part knows where; then come a slash and which part it is.
/// </summary>
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
    public static string BootOf(string key) => key.IndexOf('/', StringComparison.Ordinal) is var end and >= 0 ? key[..end] : key;

    /// <summary>What the keys of all parts of a SoC begin with.</summary>
    public static string PartsOf(string key) => key[..key.LastIndexOf('/')];

    /// <summary>What the keys of all parts of a SoC begin with.</summary>
    /// <param name="boot">The boot.</param>
    /// <param name="home">The silo that the SoC is on; the parts of one that is scattered name none.</param>
    public static string PartsAt(string boot, SiloAddress home) =>
        IsScattered(boot) ? boot : string.Create(CultureInfo.InvariantCulture, $"{boot}/{NumberOf(home):x8}");

    /// <summary>The number of the silo that a key names.</summary>
    /// <param name="key">The key.</param>
    /// <returns>That of <see cref="NumberOf"/>; null where it names none.</returns>
    public static uint? HomeOf(string key)
    {
        var (boot, parts) = (BootOf(key), PartsOf(key));
        return uint.TryParse(parts.AsSpan(Math.Min(boot.Length + 1, parts.Length)), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var home) ? home : null;
    }

    /// <summary>What keys call a silo: nothing that two silos of a cluster have in common but by a chance of one in billions, and then some SoCs are lost and boot again.</summary>
    public static uint NumberOf(SiloAddress silo) => unchecked((uint)silo.GetConsistentHashCode());

    /// <summary>The number of an owner or CPU.</summary>
    public static int IndexOf(string key) => int.Parse(key.AsSpan(key.LastIndexOf('/') + 1).TrimStart(CpuPrefix), CultureInfo.InvariantCulture);

    /// <summary>The name under which a boot's grains are spread over the silos.</summary>
    public static string Scattered(string boot) => boot + ScatterMark;

    /// <summary>Tells whether a boot's grains are spread over the silos. The name carries it: every silo has to place alike.</summary>
    public static bool IsScattered(string boot) => boot.EndsWith(ScatterMark);

    /// <summary>A CPU.</summary>
    /// <param name="grains">The cluster.</param>
    /// <param name="parts">What the keys of the SoC's parts begin with; here and below.</param>
    /// <param name="number">Which one.</param>
    public static ICpuGrain Cpu(this IGrainFactory grains, string parts, int number) => grains.Get<ICpuGrain>(s_cpu, $"{parts}/{CpuPrefix}{number}");

    /// <summary>A graph of lock classes.</summary>
    public static ILockGraphGrain LockGraph(this IGrainFactory grains, string name) => grains.Get<ILockGraphGrain>(s_locks, $"{name}/locks");

    /// <summary>The SoC.</summary>
    public static ISocGrain Soc(this IGrainFactory grains, string boot) => grains.Get<ISocGrain>(s_soc, $"{boot}/soc");

    /// <summary>What all addresses of an owner have in common; what is no address has an owner of its own here.</summary>
    public static ulong OwnerBits(ulong address) => address >> HomeShift;

    /// <summary>The grain that owns an address; what is no address is the SoC's to answer for.</summary>
    public static IMemoryGrain OwnerOf(this IGrainFactory grains, string parts, ulong address) =>
        new Address(address) is { IsObject: true, Home: var home } ? grains.Owner(parts, home) : grains.Soc(BootOf(parts));

    /// <summary>The grain of an owner.</summary>
    public static IMemoryGrain Owner(this IGrainFactory grains, string parts, Home home) => home.Kind switch
    {
        HomeKind.Device => grains.Get<IDeviceGrain>(s_device, $"{parts}/{home.Index}"),
        HomeKind.Iommu => grains.Get<IIommuGrain>(s_iommu, $"{parts}/{home.Index}"),
        HomeKind.Group => grains.Get<IGroupGrain>(s_group, $"{parts}/{home.Index}"),
        HomeKind.Domain => grains.Get<IDomainGrain>(s_domain, $"{parts}/{home.Index}"),
        _ => grains.Soc(BootOf(parts)),
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
