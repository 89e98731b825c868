using System.Reflection;
using System.Runtime.CompilerServices;

namespace IommuCluster.Grains.Tests.Contracts;

/// <summary>What travels between silos and is kept of runs, held against golden files: a change of it is a change that two releases must agree on.</summary>
public sealed class ContractsTests
{
    /// <summary>Set IOMMUCLUSTER_UPDATE_GOLDEN=1 to write the files anew, and review the difference.</summary>
    [Theory]
    [InlineData("IommuCluster.Grains", "IommuCluster.Grains.Contracts", "grains.txt")]
    [InlineData("IommuCluster.Silo", "IommuCluster.Silo.Runs", "runs.txt")]
    public void Contracts_AreThoseOfTheGoldenFile(string assembly, string folder, string golden)
    {
        var actual = string.Concat(Lines(Assembly.Load(assembly), folder).Select(line => line + "\n"));
        if (Environment.GetEnvironmentVariable("IOMMUCLUSTER_UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(PathOf(golden), actual);
        }

        Assert.Equal(File.ReadAllText(PathOf(golden)), actual);
    }

    private static IEnumerable<string> Lines(Assembly assembly, string folder) =>
        from type in assembly.GetTypes()
        where type.Namespace == folder
        let alias = type.GetCustomAttribute<AliasAttribute>()?.Alias
        where alias is not null || type.IsInterface
        orderby alias ?? type.Name
        from line in Describe(type, alias ?? type.Name)
        select line;

    private static IEnumerable<string> Describe(Type type, string alias) =>
        type.IsInterface
            ? from method in type.GetMethods()
              let name = method.GetCustomAttribute<AliasAttribute>()?.Alias
              orderby name
              select $"{alias}.{name}({string.Join(", ", method.GetParameters().Select(parameter => NameOf(parameter.ParameterType)))}) -> {NameOf(method.ReturnType)}"
            : from property in type.GetProperties()
              let id = property.GetCustomAttribute<IdAttribute>()?.Id
              where id is not null
              orderby id
              select $"{alias} {id}: {NameOf(property.PropertyType)} {property.Name}";

    private static string NameOf(Type type) =>
        type.GetCustomAttribute<AliasAttribute>()?.Alias
        ?? (type.IsGenericType ? $"{type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]}<{string.Join(", ", type.GetGenericArguments().Select(NameOf))}>" : type.Name);

    private static string PathOf(string golden, [CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, golden);
}
