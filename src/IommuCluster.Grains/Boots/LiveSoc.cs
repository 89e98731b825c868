using IommuCluster.Grains.Contracts;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Memory;
using IommuCluster.Kernel.Userspace;
using CancellationToken = System.Threading.CancellationToken;
using Interlocked = System.Threading.Interlocked;

namespace IommuCluster.Grains.Boots;

/// <summary>
/// A SoC that has booted on the cluster and stays up. Every operation is the kernel's own flow on a thread of a simulated
/// CPU; operations asked for at the same time race. What checkers see is told at the end.
/// </summary>
public sealed class LiveSoc : IAsyncDisposable
{
    private readonly IGrainFactory _grains;
    private readonly Machine _machine;
    private readonly string _name;
    private readonly BootWatch _watch;
    private readonly Action _forget;
    private int _tickets;

    internal LiveSoc(IGrainFactory grains, Machine machine, string name, BootWatch watch, Action forget)
    {
        _grains = grains;
        _machine = machine;
        _name = name;
        _watch = watch;
        _forget = forget;
    }

    /// <summary>Binds a device to the driver that serves it (Linux: sysfs <c>bind</c>).</summary>
    /// <param name="device">Its Linux name.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>0 or the error that the user gets.</returns>
    /// <exception cref="ArgumentException">There is no such device.</exception>
    /// <exception cref="ClusterBootException">The operation's thread is gone: an oops, or the SoC's end.</exception>
    /// <exception cref="BootLostException">The SoC was lost with its silo. All operations can end in these.</exception>
    public async Task<Errno> BindAsync(string device, CancellationToken cancellation = default) =>
        (await RunAsync(ticket => DeviceGrain(device).BindAsync(ticket), cancellation)).Error;

    /// <summary>Unbinds a device (Linux: sysfs <c>unbind</c>).</summary>
    /// <param name="device">Its Linux name.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>0 or the error that the user gets.</returns>
    /// <exception cref="ArgumentException">There is no such device.</exception>
    public async Task<Errno> UnbindAsync(string device, CancellationToken cancellation = default) =>
        (await RunAsync(ticket => DeviceGrain(device).UnbindAsync(ticket), cancellation)).Error;

    /// <summary>Makes a domain for a device (Linux: <c>iommu_domain_alloc</c>).</summary>
    /// <param name="device">Its Linux name.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>The domain's address, or -ENODEV when the device has no IOMMU.</returns>
    /// <exception cref="ArgumentException">There is no such device.</exception>
    public Task<OperationResult> AllocateDomainAsync(string device, CancellationToken cancellation = default) =>
        RunAsync(ticket => DeviceGrain(device).AllocateDomainAsync(ticket), cancellation);

    /// <summary>Frees a domain to which nothing is attached.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>0.</returns>
    public async Task<Errno> FreeDomainAsync(Address domain, CancellationToken cancellation = default) =>
        (await RunAsync(ticket => DomainGrain(domain).FreeAsync(ticket), cancellation)).Error;

    /// <summary>Attaches a domain to a device's group (Linux: <c>iommu_attach_device</c>).</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="device">The group's only member.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>0 or the error; -ENODEV for a device without group.</returns>
    /// <exception cref="ArgumentException">There is no such device.</exception>
    public async Task<Errno> AttachAsync(Address domain, string device, CancellationToken cancellation = default) =>
        await GroupGrainAsync(device) is { } group
            ? (await RunAsync(ticket => group.AttachAsync(ticket, domain.Value, NumberOf(device)), cancellation)).Error
            : Errno.ENoDev;

    /// <summary>Detaches a domain from a device's group (Linux: <c>iommu_detach_device</c>).</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="device">The group's only member.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>0; -ENODEV for a device without group.</returns>
    /// <exception cref="ArgumentException">There is no such device.</exception>
    public async Task<Errno> DetachAsync(Address domain, string device, CancellationToken cancellation = default) =>
        await GroupGrainAsync(device) is { } group
            ? (await RunAsync(ticket => group.DetachAsync(ticket, domain.Value, NumberOf(device)), cancellation)).Error
            : Errno.ENoDev;

    /// <summary>Maps a page (Linux: <c>iommu_map</c>).</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="iova">I/O virtual address, page aligned.</param>
    /// <param name="physical">Physical address, page aligned.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>0 or the error.</returns>
    public async Task<Errno> MapAsync(Address domain, ulong iova, ulong physical, CancellationToken cancellation = default) =>
        (await RunAsync(ticket => DomainGrain(domain).MapAsync(ticket, iova, physical), cancellation)).Error;

    /// <summary>Unmaps a page (Linux: <c>iommu_unmap</c>).</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="iova">I/O virtual address, page aligned.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>0 or the error.</returns>
    public async Task<Errno> UnmapAsync(Address domain, ulong iova, CancellationToken cancellation = default) =>
        (await RunAsync(ticket => DomainGrain(domain).UnmapAsync(ticket, iova), cancellation)).Error;

    /// <summary>Translates an address (Linux: <c>iommu_iova_to_phys</c>).</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="iova">I/O virtual address.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>The physical address; 0 where nothing is mapped.</returns>
    public async Task<ulong> TranslateAsync(Address domain, ulong iova, CancellationToken cancellation = default) =>
        (await RunAsync(ticket => DomainGrain(domain).TranslateAsync(ticket, iova), cancellation)).Value;

    /// <summary>Looks at a device.</summary>
    /// <param name="device">Its Linux name.</param>
    /// <returns>How it stands at this moment.</returns>
    /// <exception cref="ArgumentException">There is no such device.</exception>
    public async Task<DeviceView> DescribeDeviceAsync(string device)
    {
        var told = await DeviceGrain(device).DescribeAsync();
        return new DeviceView(told.IsBound, told.Driver, new Address(told.Group), told.HasIommu);
    }

    /// <summary>Looks at an IOMMU instance.</summary>
    /// <param name="device">Its Linux name.</param>
    /// <returns>How it stands at this moment.</returns>
    /// <exception cref="ArgumentException">There is no such device.</exception>
    public async Task<IommuView> DescribeIommuAsync(string device)
    {
        var told = await ((IIommuGrain)_grains.Owner(_watch.Parts, new Home(HomeKind.Iommu, NumberOf(device)))).DescribeAsync();
        return new IommuView(told.IsRegistered, new Address(told.Instance));
    }

    /// <summary>Looks at a group.</summary>
    /// <param name="group">Its address.</param>
    /// <returns>How it stands at this moment.</returns>
    public async Task<GroupView> DescribeGroupAsync(Address group)
    {
        var told = await ((IGroupGrain)Owner(group, HomeKind.Group)).DescribeAsync();
        return new GroupView(told.References, new Address(told.DefaultDomain), new Address(told.Domain), told.OwnerCount);
    }

    /// <summary>Looks at a domain.</summary>
    /// <param name="domain">Its address.</param>
    /// <returns>How it stands at this moment.</returns>
    public async Task<DomainView> DescribeDomainAsync(Address domain)
    {
        var told = await DomainGrain(domain).DescribeAsync();
        return new DomainView(told.Type, domain, told.MappedPages);
    }

    /// <summary>Stops the SoC where it stands.</summary>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>What was seen since the boot began; an earlier end, by an oops, where there was one.</returns>
    public async Task<ClusterBoot> StopAsync(CancellationToken cancellation = default)
    {
        await Messaging.Delivery.SendAsync(() => _grains.Soc(_name).StopAsync());
        return ClusterRunner.Unwrap(await _watch.EndAsync(cancellation));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _grains.Soc(_name).StopAsync();
        _watch.Dispose();
        _forget();
    }

    private async Task<OperationResult> RunAsync(Func<int, ValueTask> ask, CancellationToken cancellation)
    {
        var ticket = Interlocked.Increment(ref _tickets);
        var answer = await _watch.OperateAsync(ticket, () => ask(ticket), cancellation);
        return answer.IsBroken
            ? throw new ClusterBootException("The operation has no answer: its thread is gone. What was seen is told when the SoC is stopped.")
            : new OperationResult(answer.Error, answer.Value);
    }

    private IDeviceGrain DeviceGrain(string device) => (IDeviceGrain)_grains.Owner(_watch.Parts, new Home(HomeKind.Device, NumberOf(device)));

    private IDomainGrain DomainGrain(Address domain) => (IDomainGrain)Owner(domain, HomeKind.Domain);

    private async Task<IGroupGrain?> GroupGrainAsync(string device)
    {
        var group = (await DescribeDeviceAsync(device)).Group;
        return group.IsObject ? (IGroupGrain)Owner(group, HomeKind.Group) : null;
    }

    private IMemoryGrain Owner(Address address, HomeKind kind) =>
        address.IsObject && address.Home.Kind == kind ? _grains.Owner(_watch.Parts, address.Home)
        : throw new ArgumentException($"{address} is no {kind} of its own; give the address that an operation or description answered.", nameof(address));

    private int NumberOf(string device) =>
        _machine.Devices.FirstOrDefault(facts => facts.Name == device)?.Number
        ?? throw new ArgumentException($"The SoC has no device '{device}'; it has {string.Join(", ", _machine.Devices.Select(facts => facts.Name))}.", nameof(device));
}
