namespace IommuCluster.Boards.Dtb;

/// <summary>One entry of a list of phandles with arguments: the node named, and where its arguments are.</summary>
internal readonly record struct PhandleEntry(DtbNode Target, int FirstArgument, int Arguments);

/// <summary>
/// Steps through lists of phandles with arguments as the kernel's of_phandle_iterator_next() does: an entry with
/// phandle 0 is skipped, the first malformed entry ends the list.
/// </summary>
internal sealed class PhandleLists(DtbTree tree, DiagnosticBag bag)
{
    internal DtbNode? ByPhandle(uint phandle) => tree.ByPhandle(phandle);

    /// <summary>The entries of a list.</summary>
    /// <param name="owner">The node that has the property, for diagnostics.</param>
    /// <param name="list">The property.</param>
    /// <param name="cellsName">The property of the named node that counts arguments; null when entries have none.</param>
    /// <param name="required">True when a malformed entry makes the board wrong; false when it is a warning only.</param>
    /// <param name="mayLackCells">True when a named node without the property means no arguments.</param>
    internal List<PhandleEntry> Read(DtbNode owner, DtbProperty list, string? cellsName, bool required, bool mayLackCells = false)
    {
        var entries = new List<PhandleEntry>();
        for (var at = 0; at < list.Cells;)
        {
            if (list.Cell(at) == 0)
            {
                at++;
                continue;
            }

            if (Entry(owner, list, at, cellsName, required, mayLackCells) is not { } entry)
            {
                break;
            }

            entries.Add(entry);
            at += 1 + entry.Arguments;
        }

        return entries;
    }

    private PhandleEntry? Entry(DtbNode owner, DtbProperty list, int at, string? cellsName, bool required, bool mayLackCells)
    {
        if (ByPhandle(list.Cell(at)) is not { } target)
        {
            Complain(required, owner, list, at, $"no node has phandle 0x{list.Cell(at):x}", "name a node of this tree, or apply the overlay that has it");
            return null;
        }

        if (cellsName is null)
        {
            return new PhandleEntry(target, at + 1, 0);
        }

        if ((target.Cell(cellsName) ?? (mayLackCells ? 0u : null)) is not { } arguments)
        {
            Complain(required, owner, list, at, $"{target.Path} has no {cellsName}", $"give it {cellsName}, or name another node");
            return null;
        }

        if (arguments > list.Cells - at - 1)
        {
            Complain(
                required, owner, list, at, $"{target.Path} wants {arguments} cells after its phandle, {list.Cells - at - 1} are left",
                $"add the missing cells, or mend its {cellsName}");
            return null;
        }

        return new PhandleEntry(target, at + 1, (int)arguments);
    }

    private void Complain(bool required, DtbNode owner, DtbProperty list, int at, string reason, string remedy)
    {
        reason = $"{owner.Path}: {list.Name}, cell {at}: {reason}";
        if (required)
        {
            bag.Error(reason, remedy, list.CellOffset(at));
        }
        else
        {
            bag.Warning(reason, $"{remedy}; the rest of the list is ignored, as in the kernel", list.CellOffset(at));
        }
    }
}
