using System.Collections.Immutable;
using IommuCluster.Exploration.Runs;
using IommuCluster.Kernel.Checking;
using IommuCluster.Silo.Runs;

namespace IommuCluster.Silo.Tests.Support;

/// <summary>A scenario of two cases on a shipped board, and slices that pretend to have run it.</summary>
internal static class Toy
{
    internal const string Text = """
        title: a toy
        board: sc8180x-primus
        masters: [2c6a000.gmu]
        explore: { schedules: 5000 }
        cases:
          bug:
            profile: linux-6.6
            drivers: { arm-smmu: { load: module } }
            clients: { load: module }
            expect: [ { finding: use-after-free } ]
            known:
              - { finding: null-dereference, source: R07 and R25 }
              - { finding: double-free, type: iommu_fwspec, source: R07 }
              - { finding: out-of-bounds, type: arm_smmu_master_cfg, source: R07 }
              - { finding: context-fault, source: R17 }
          fix:
            profile: linux-6.8
            expect: clean
        """;

    internal static OrderReader Orders { get; } = OrderReader.Locate(AppContext.BaseDirectory);

    internal static RunLedger Begin(RunOrder order)
    {
        var read = Orders.Read(order);
        return new RunLedger(RunLedger.Begin(order, read), read.Cases);
    }

    internal static SliceFinding Found(FindingKind kind, long first, long count = 1, bool inEvery = false) =>
        new(kind, "iommu_probe_device", "dev_iommu", "fwspec", string.Empty, "BUG", count, first, inEvery, Token: null);

    internal static SliceResult Did(RunSlice slice, params ImmutableArray<SliceFinding> findings) =>
        new(slice.Count ?? 1, 0, 10, Coverage.BudgetDone, findings);
}
