using System.Reflection;
using System.Runtime.CompilerServices;
using IommuCluster.Silo.Runs;

namespace IommuCluster.Silo.Tests.Runs;

/// <summary>What travels between silos and is kept of runs, held against a golden file: a change of it is a change that two releases must agree on.</summary>
public sealed class ContractsTests
{
    [Fact]
    public void Contracts_OfRuns_AreThoseOfTheFile()
    {
        var wanted = File.ReadAllText(GoldenFile());

        Assert.Equal(wanted, string.Concat(Lines().Select(line => line + "\n")));
    }

    private static IEnumerable<string> Lines() =>
        from type in typeof(IRunGrain).Assembly.GetTypes()
        where type.Namespace == typeof(IRunGrain).Namespace
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

    private static string GoldenFile([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "contracts.txt");
}
