using System.Collections;
using System.Reflection;

namespace IommuCluster.Conventions.Tests;

public sealed class TypeTests
{
    /// <summary>Memory that waits to be used again: nobody can tell whether it was. And whose turn it is, set whenever a simulated thread goes on.</summary>
    private static readonly string[] s_ofOneThread = ["IommuCluster.Kernel.Memory.FlowBox`2.t_kept", "IommuCluster.Kernel.Memory.Recollection.t_running"];

    [Fact]
    public void Classes_ThatAreNotBases_AreSealed()
    {
        var bases = Sources.Types.Select(type => type.BaseType).OfType<Type>().Select(type => type.IsGenericType ? type.GetGenericTypeDefinition() : type).ToHashSet();
        var open = Sources.Types.Where(type => type.IsClass && !type.IsSealed && !type.IsAbstract && !bases.Contains(type) && type.Name != "Program");

        Assert.Empty(open.Select(type => type.FullName));
    }

    [Fact]
    public void Fields_ThatAreStatic_DoNotChange()
    {
        var mutable = from type in Sources.Types
                      from field in type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
                      where !field.IsLiteral && !field.Name.StartsWith('<')
                      where !field.IsInitOnly || (IsCollectionThatChanges(field.FieldType))
                      select $"{type.FullName}.{field.Name}";

        Assert.Empty(mutable.Except(s_ofOneThread));
    }

    [Fact]
    public void Namespaces_OfTypes_AreTheirProjects()
    {
        var strangers = from assembly in Sources.Assemblies
                        let root = assembly.GetName().Name == "iommucluster" ? "IommuCluster.Cli" : assembly.GetName().Name!
                        from type in Sources.Types.Where(type => type.Assembly == assembly && type.Name != "Program")
                        where type.Namespace != root && type.Namespace?.StartsWith(root + ".", StringComparison.Ordinal) != true
                        select type.FullName;

        Assert.Empty(strangers);
    }

    private static bool IsCollectionThatChanges(Type type) =>
        !type.IsArray && type.IsGenericType && typeof(IEnumerable).IsAssignableFrom(type)
        && (type.GetGenericTypeDefinition() == typeof(List<>) || type.GetGenericTypeDefinition() == typeof(Dictionary<,>) || type.GetGenericTypeDefinition() == typeof(HashSet<>));
}
