using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Iommu;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Checking;

/// <summary>How a device stands, by its own words.</summary>
/// <param name="IsBound">True when it is bound to a driver.</param>
/// <param name="Driver">Number of the driver that is bound or probing; -1 for none.</param>
/// <param name="Group">Its group; NULL for none.</param>
/// <param name="HasIommu">True when the core keeps a <c>dev_iommu</c> for it.</param>
public sealed record DeviceView(bool IsBound, int Driver, Address Group, bool HasIommu);

/// <summary>How an IOMMU instance stands.</summary>
/// <param name="IsRegistered">True when it is on the core's list.</param>
/// <param name="Instance">The instance; NULL when its driver has not made it.</param>
public sealed record IommuView(bool IsRegistered, Address Instance);

/// <summary>How a group stands.</summary>
/// <param name="References">Its members and external users; 0 once it is freed.</param>
/// <param name="DefaultDomain">The domain for kernel DMA; NULL for none.</param>
/// <param name="Domain">What its members are attached to; NULL for nothing.</param>
/// <param name="OwnerCount">Bound kernel drivers that use the default domain, or claims by an owner.</param>
public sealed record GroupView(long References, Address DefaultDomain, Address Domain, int OwnerCount);

/// <summary>How a domain stands.</summary>
/// <param name="Type"><c>dma</c>, <c>identity</c>, <c>unmanaged</c> or <c>blocked</c>; null once it is freed.</param>
/// <param name="Address">The domain.</param>
/// <param name="MappedPages">Pages that its tables map.</param>
public sealed record DomainView(string? Type, Address Address, int MappedPages);

/// <summary>Looks at one owner of objects by its own words alone, as whoever holds only those can.</summary>
internal static class HomeCensus
{
    /// <summary>Looks at a device.</summary>
    /// <param name="bank">What it owns.</param>
    /// <param name="number">Its number.</param>
    /// <returns>How it stands.</returns>
    public static DeviceView Device(MemoryBank bank, int number)
    {
        var dev = Machine.DeviceAt(number);
        return new(Look(bank, dev.KnodeDriver), Look(bank, dev.Driver) - 1, Look(bank, dev.IommuGroup).Address, !Look(bank, dev.Iommu).Address.IsNull);
    }

    /// <summary>Looks at an IOMMU instance.</summary>
    /// <param name="bank">What it owns.</param>
    /// <returns>How it stands; a driver's data begins with the core's.</returns>
    public static IommuView Iommu(MemoryBank bank)
    {
        var instance = new IommuDevice(Living(bank).LastOrDefault());
        var next = instance.Address.IsNull ? Address.Null : Look(bank, instance.List.Next);
        return new(!next.IsNull && next != instance.List.Address, instance.Address);
    }

    /// <summary>Looks at a group.</summary>
    /// <param name="bank">What it owns.</param>
    /// <returns>How it stands.</returns>
    public static GroupView Group(MemoryBank bank)
    {
        var group = new IommuGroup(Self(bank));
        return new(Look(bank, group.DevicesKobj), Look(bank, group.DefaultDomain).Address, Look(bank, group.Domain).Address, Look(bank, group.OwnerCount));
    }

    /// <summary>The object that gives a group or domain its home.</summary>
    /// <param name="bank">What it owns.</param>
    /// <returns>Its address; NULL once it is freed.</returns>
    public static Address Self(MemoryBank bank) => Living(bank).FirstOrDefault();

    /// <summary>Looks at a domain.</summary>
    /// <param name="bank">What it owns: the domain first, then its tables.</param>
    /// <returns>How it stands.</returns>
    public static DomainView Domain(MemoryBank bank)
    {
        var domain = new IommuDomain(Self(bank));
        return new(domain.Address.IsNull ? null : NameOf(Look(bank, domain.Type)), domain.Address, MappedPages(bank));
    }

    /// <summary>How people call a type of domain.</summary>
    /// <param name="type">The type.</param>
    /// <returns>The name; null for a word that is no type.</returns>
    public static string? NameOf(DomainType type) => type switch
    {
        DomainType.Blocked => "blocked",
        DomainType.Identity => "identity",
        DomainType.Unmanaged => "unmanaged",
        DomainType.Dma => "dma",
        _ => null,
    };

    private static int MappedPages(MemoryBank bank) =>
        (from thing in bank.Objects()
         where !thing.Freed && thing.Layout.Name == PageTables.PageTable.Layout.Name
         from word in Enumerable.Range(0, PageTables.PageTable.MaxEntries)
         let entry = bank.Peek(thing.Address, word) ?? 0
         where (entry & 1) != 0 && !new Address(entry).IsObject
         select entry).Count();

    private static IEnumerable<Address> Living(MemoryBank bank) =>
        from thing in bank.Objects() where !thing.Freed && thing.Address != MemoryBank.RcuState select thing.Address;

    private static T Look<T>(MemoryBank bank, Field<T> field)
        where T : unmanaged => Word.To<T>(bank.Peek(field.Base, field.Descriptor.Word + field.Index) ?? 0);
}
