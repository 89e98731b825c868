using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Contracts;

/// <summary>What can be asked of a SoC that has booted.</summary>
internal enum OperationKind
{
    /// <summary>Bind a device to its driver.</summary>
    Bind,

    /// <summary>Unbind a device.</summary>
    Unbind,

    /// <summary>Make a domain for a device.</summary>
    AllocateDomain,

    /// <summary>Free a domain.</summary>
    FreeDomain,

    /// <summary>Attach a domain to the group of a device.</summary>
    Attach,

    /// <summary>Detach a domain from the group of a device.</summary>
    Detach,

    /// <summary>Map a page.</summary>
    Map,

    /// <summary>Unmap a page.</summary>
    Unmap,

    /// <summary>Translate an address.</summary>
    Translate,
}

/// <summary>An operation on a live SoC: a kernel flow on a thread of its own.</summary>
/// <param name="Kind">What to do.</param>
/// <param name="Device">Number of the device, where one is meant.</param>
/// <param name="Domain">Address of the domain, where one is meant.</param>
/// <param name="Iova">I/O virtual address, where one is meant.</param>
/// <param name="Physical">Physical address, where one is meant.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.operation")]
internal sealed record OperationMessage(
    [property: Id(0)] OperationKind Kind,
    [property: Id(1)] int Device = 0,
    [property: Id(2)] ulong Domain = 0,
    [property: Id(3)] ulong Iova = 0,
    [property: Id(4)] ulong Physical = 0);

/// <summary>What an operation came to.</summary>
/// <param name="Error">0 or the error that the kernel's flow answered.</param>
/// <param name="Value">The address that it answered, or 0.</param>
/// <param name="IsBroken">True when its thread is gone (an oops), or the SoC is at its end: there is no answer.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.operation-answer")]
internal sealed record OperationAnswer(
    [property: Id(0)] Errno Error,
    [property: Id(1)] ulong Value = 0,
    [property: Id(2)] bool IsBroken = false);

/// <summary>A device, by its own words.</summary>
/// <param name="IsBound">True when it is bound to a driver.</param>
/// <param name="Driver">Number of the driver that is bound or probing; -1 for none.</param>
/// <param name="Group">Address of its group, or 0.</param>
/// <param name="HasIommu">True when the core keeps a <c>dev_iommu</c> for it.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.device-description")]
internal sealed record DeviceDescription([property: Id(0)] bool IsBound, [property: Id(1)] int Driver, [property: Id(2)] ulong Group, [property: Id(3)] bool HasIommu);

/// <summary>An IOMMU instance, by its own words.</summary>
/// <param name="IsRegistered">True when it is on the core's list.</param>
/// <param name="Instance">Address of the instance, or 0.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.iommu-description")]
internal sealed record IommuDescription([property: Id(0)] bool IsRegistered, [property: Id(1)] ulong Instance);

/// <summary>A group, by its own words.</summary>
/// <param name="References">Its members and external users.</param>
/// <param name="DefaultDomain">Address of the domain for kernel DMA, or 0.</param>
/// <param name="Domain">Address of the domain that its members are attached to, or 0.</param>
/// <param name="OwnerCount">Drivers that use the default domain, or claims by an owner.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.group-description")]
internal sealed record GroupDescription([property: Id(0)] long References, [property: Id(1)] ulong DefaultDomain, [property: Id(2)] ulong Domain, [property: Id(3)] int OwnerCount);

/// <summary>A domain, by its own words.</summary>
/// <param name="Type">What it does with DMA; null once it is freed.</param>
/// <param name="MappedPages">Pages that its tables map.</param>
[GenerateSerializer, Immutable, Alias("iommucluster.domain-description")]
internal sealed record DomainDescription([property: Id(0)] string? Type, [property: Id(1)] int MappedPages);
