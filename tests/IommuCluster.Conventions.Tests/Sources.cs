using System.Reflection;
using System.Runtime.CompilerServices;
using IommuCluster.Boards;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;
using IommuCluster.Scenarios.Format;

namespace IommuCluster.Conventions.Tests;

/// <summary>What the conventions hold for.</summary>
internal static class Sources
{
    internal static IReadOnlyList<Assembly> Assemblies { get; } =
    [
        typeof(KernelThread).Assembly,
        typeof(BoardReader).Assembly,
        typeof(DeterministicRuntime).Assembly,
        typeof(Scenario).Assembly,
        Assembly.Load("IommuCluster.Telemetry"),
        Assembly.Load("iommucluster"),
    ];

    /// <summary>Types that people wrote.</summary>
    internal static IEnumerable<Type> Types => Assemblies.SelectMany(assembly => assembly.GetTypes()).Where(type => !IsGenerated(type));

    private static bool IsGenerated(Type type) =>
        type.Name.StartsWith('<')
        || type.Name.Contains("__", StringComparison.Ordinal)
        || type.Namespace?.StartsWith("System", StringComparison.Ordinal) == true
        || type.Namespace?.StartsWith("Microsoft", StringComparison.Ordinal) == true
        || type.GetCustomAttribute<CompilerGeneratedAttribute>() is not null
        || type.GetCustomAttribute<System.CodeDom.Compiler.GeneratedCodeAttribute>() is not null
        || (type.DeclaringType is { } outer && IsGenerated(outer));
}
