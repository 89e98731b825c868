using IommuCluster.Boards;
using IommuCluster.Scenarios.Format;

namespace IommuCluster.Scenarios.Tests.Support;

/// <summary>Scenarios as text.</summary>
internal static class Texts
{
    internal const string Board = """
        board: toy
        model: Toy
        architecture: arm64
        nodes:
          - path: /iommu@1000
            name: 1000.iommu
            compatible: arm,mmu-500
            iommu-cells: 1
          - path: /ufs@2000
            name: 2000.ufs
            compatible: toy,ufs
            iommus: /iommu@1000 0x300
        """;

    internal const string Whole = """
        title: a toy that breaks
        systems: [S21]
        catalogue: [R07, R08]
        board: toy
        masters: [2000.ufs]
        firmware-links: strict
        transfers: 3
        drivers:
          arm-smmu: { load: module, probe: async, switches: { context-banks: 8, stream-map-entries: 4 } }
        clients: { load: module, probe: async }
        explore: { strategy: random, schedules: 100, seed: 7, context-bound: null, after-oops: stop, max-steps: 5000 }
        cases:
          bug:
            profile: linux-6.6
            expect:
              - { finding: use-after-free, type: dev_iommu, field: fw, when: always }
          fix:
            profile: linux-6.8
            drivers: { arm-smmu: { switches: { context-banks: 16 } } }
            explore: { strategy: states, schedules: null, context-bound: 2, after-oops: go-on, placement: scattered }
            races: red
            expect: clean
            known:
              - { finding: context-fault, source: R17 }
        """;

    /// <summary>Reads a scenario whose board is the toy.</summary>
    internal static Scenario Read(string text)
    {
        using var boards = new BoardFolder();
        return ScenarioReader.Read(text, "toy.yaml", "toy", boards.Catalog);
    }

    /// <summary>What is wrong with a scenario, one diagnostic a line.</summary>
    internal static string[] ErrorsOf(string text) =>
        [.. Assert.Throws<ScenarioException>(() => Read(text)).Diagnostics.Select(diagnostic => diagnostic.ToString())];

    internal sealed class BoardFolder : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("iommucluster-");

        internal BoardFolder() => File.WriteAllText(Path.Combine(_folder.FullName, "toy.yaml"), Board);

        internal BoardCatalog Catalog => new(_folder.FullName);

        public void Dispose() => _folder.Delete(recursive: true);
    }
}
