using System.Reflection;
using System.Runtime.CompilerServices;
using IommuCluster.Kernel;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Conventions.Tests;

/// <summary>Kernel flows name the function that they model, so that an engineer can hold the two side by side.</summary>
public sealed class KernelSourceTests
{
    private static readonly string[] s_flows = ["DriverCore", "Firmware", "Iommu", "Dma", "PageTables", "Drivers", "Userspace"];

    /// <summary>What no kernel function does.</summary>
    private static readonly string[] s_notTheKernels =
    [
        "IommuCluster.Kernel.DriverCore.Bus.IsRegistered", // A look at a list, which the kernel does in place.
    ];

    [Fact]
    public void Flows_ThatTakeSteps_NameTheirSource()
    {
        var unnamed = from method in Flows()
                      where !method.IsPrivate && method.GetCustomAttribute<KernelSourceAttribute>() is null
                      select $"{method.DeclaringType!.FullName}.{method.Name}";

        Assert.Empty(unnamed.Except(s_notTheKernels));
    }

    [Fact]
    public void Sources_OfFlows_LookLikeKernelFiles()
    {
        var odd = from method in Flows()
                  let source = method.GetCustomAttribute<KernelSourceAttribute>()
                  where source is not null
                  where (!source.File.Contains('/', StringComparison.Ordinal) && !source.File.StartsWith('(')) || source.Function.Length == 0 || source.Function.Contains('(', StringComparison.Ordinal)
                  select $"{method.DeclaringType!.FullName}.{method.Name}: {source.File} {source.Function}";

        Assert.Empty(odd);
    }

    private static IEnumerable<MethodInfo> Flows() =>
        from type in typeof(KernelThread).Assembly.GetTypes()
        where s_flows.Any(folder => type.Namespace == $"IommuCluster.Kernel.{folder}" || type.Namespace?.StartsWith($"IommuCluster.Kernel.{folder}.", StringComparison.Ordinal) == true)
        where type.GetCustomAttribute<CompilerGeneratedAttribute>() is null
        from method in type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
        where !method.Name.StartsWith('<') && method.GetParameters().Any(parameter => parameter.ParameterType == typeof(KernelThread))
        where method.GetCustomAttribute<AsyncStateMachineAttribute>() is not null
        select method;
}
