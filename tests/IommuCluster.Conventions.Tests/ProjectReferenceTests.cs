using System.Collections.Frozen;
using System.Reflection;

namespace IommuCluster.Conventions.Tests;

/// <summary>Arrows point one way: Kernel &lt;- Boards, Exploration &lt;- Scenarios &lt;- Cli, and beside them Grains &lt;- Silo, which the command uses where they are built.</summary>
public sealed class ProjectReferenceTests
{
    private static readonly FrozenDictionary<string, string[]> s_allowed = new Dictionary<string, string[]>(StringComparer.Ordinal)
    {
        ["IommuCluster.Kernel"] = [],
        ["IommuCluster.Boards"] = ["IommuCluster.Kernel"],
        ["IommuCluster.Exploration"] = ["IommuCluster.Kernel"],
        ["IommuCluster.Scenarios"] = ["IommuCluster.Kernel", "IommuCluster.Boards", "IommuCluster.Exploration"],
        ["IommuCluster.Telemetry"] = [],
        ["iommucluster"] = ["IommuCluster.Telemetry", "IommuCluster.Kernel", "IommuCluster.Boards", "IommuCluster.Exploration", "IommuCluster.Scenarios", "IommuCluster.Grains", "IommuCluster.Silo"],
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static TheoryData<string> Projects => [.. Sources.Assemblies.Select(assembly => assembly.GetName().Name!)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Reference_OfProject_PointsDown(string project)
    {
        var references = Assembly.Load(project).GetReferencedAssemblies().Select(name => name.Name!)
            .Where(name => name.StartsWith("IommuCluster", StringComparison.OrdinalIgnoreCase));

        Assert.Empty(references.Except(s_allowed[project]));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Reference_OfProject_SeesNoOrleans(string project) =>
        Assert.DoesNotContain(
            Assembly.Load(project).GetReferencedAssemblies(),
            name => name.Name!.StartsWith("Orleans", StringComparison.Ordinal) && !IsGeneratedIn(project, name.Name));

    /// <summary>Orleans' generator registers serializers in every project that sees a grain, the command among them.</summary>
    private static bool IsGeneratedIn(string project, string reference) =>
        project == "iommucluster" && reference.StartsWith("Orleans.Serialization", StringComparison.Ordinal);

    [Fact]
    public void Kernel_References_NoFilesNoConsoleNoNetwork() =>
        Assert.DoesNotContain(
            Assembly.Load("IommuCluster.Kernel").GetReferencedAssemblies(),
            name => name.Name is "System.Console" or "System.IO.FileSystem" or "System.Net.Http" or "System.Net.Sockets");
}
