using System.Collections.Immutable;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Yaml;

/// <summary>What a node's entry says by saying nothing; reader and writer agree on it here.</summary>
internal static class NodeDefaults
{
    /// <summary><c>/soc/ufs@1d84000</c> is <c>1d84000.ufs</c>; without unit address the path's parts joined by colons.</summary>
    internal static string Name(string path)
    {
        var last = LastPart(path);
        var at = last.IndexOf('@', StringComparison.Ordinal);
        return at > 0 ? $"{last[(at + 1)..]}.{last[..at]}" : path[1..].Replace('/', ':');
    }

    /// <summary>One <c>reg</c> entry for a node with a unit address, none for one without.</summary>
    internal static int Registers(string path) => LastPart(path).Contains('@', StringComparison.Ordinal) ? 1 : 0;

    /// <summary>One interrupt for a node that names an interrupt controller, none for one that does not.</summary>
    internal static int Interrupts(ImmutableArray<Supplier> suppliers) => suppliers.Any(supplier => supplier.Kind == SupplierKind.Interrupt) ? 1 : 0;

    internal static string LastPart(string path) => path[(path.LastIndexOf('/') + 1)..];
}
