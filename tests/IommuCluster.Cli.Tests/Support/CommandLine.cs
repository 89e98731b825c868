using IommuCluster.TestKit;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Cli.Tests.Support;

/// <summary>Runs command lines in process, in a directory of its own with a scenario and a board.</summary>
internal sealed class CommandLine : IDisposable
{
    internal const string Scenario = """
        title: a toy that breaks
        board: toy
        explore: { schedules: 200 }
        cases:
          bug:
            profile: linux-6.6
            expect: [ { finding: use-after-free }, { finding: null-dereference }, { finding: warning } ]
        """;

    private const string Board = """
        board: toy
        architecture: arm64
        nodes:
          - path: /iommu@1000
            name: 1000.iommu
            iommu-cells: 1
          - path: /ufs@2000
            name: 2000.ufs
            iommus: /iommu@1000 0x300
        """;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("iommucluster-");

    internal CommandLine()
    {
        Directory.CreateDirectory(PathOf("scenarios/boards"));
        File.WriteAllText(PathOf("scenarios/boards/toy.yaml"), Board);
        Write("toy-race", Scenario);
    }

    /// <summary>True to run the program without the bug.</summary>
    internal bool IsFixed { get; init; }

    internal string PathOf(string name) => Path.Combine(_folder.FullName, name);

    internal void Write(string scenario, string text) => File.WriteAllText(PathOf($"scenarios/{scenario}.yaml"), text);

    internal async Task<Answer> Run(params string[] args) => await Run(CancellationToken.None, args);

    internal async Task<Answer> Run(CancellationToken cancellation, params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var context = new CliContext
        {
            Out = output,
            Error = error,
            Places = [_folder.FullName],
            Boot = _ => Yardstick.S(IsFixed),
        };
        var code = await CliApplication.RunAsync(args, context, cancellation);
        return new Answer(code, output.ToString(), error.ToString());
    }

    public void Dispose() => _folder.Delete(recursive: true);
}

/// <summary>What a command line answered.</summary>
internal sealed record Answer(int Code, string Out, string Error)
{
    /// <summary>The first replay command that was printed.</summary>
    internal string Token => Out.Split('\n').First(line => line.StartsWith("replay: ", StringComparison.Ordinal)).Split(' ')[^1];
}
