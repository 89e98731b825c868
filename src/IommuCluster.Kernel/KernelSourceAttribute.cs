using System.Collections.Frozen;
using System.Reflection;

namespace IommuCluster.Kernel;

/// <summary>Names the kernel function that a method models. For people, for splats, and for the test that demands one.</summary>
/// <param name="file">Path in the kernel's source tree.</param>
/// <param name="function">The function's name.</param>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = false)]
public sealed class KernelSourceAttribute(string file, string function) : Attribute
{
    /// <summary>Path in the kernel's source tree.</summary>
    public string File { get; } = file;

    /// <summary>The function's name.</summary>
    public string Function { get; } = function;

    /// <summary>The release whose form of the function is modelled; empty when it is the same in all profiles.</summary>
    public string Release { get; init; } = string.Empty;
}

/// <summary>From the model's method names to the kernel's function names.</summary>
public static class KernelFunctions
{
    private static readonly FrozenDictionary<string, KernelSourceAttribute> s_byMethod =
        typeof(KernelFunctions).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Select(method => (method.Name, Source: method.GetCustomAttribute<KernelSourceAttribute>()))
            .Where(pair => pair.Source is not null)
            .GroupBy(pair => pair.Name, pair => pair.Source!, StringComparer.Ordinal)
            .ToFrozenDictionary(group => group.Key, group => group.First(), StringComparer.Ordinal);

    /// <summary>The kernel's name of a method.</summary>
    /// <param name="method">The method's name, as a frame of a thread's call stack has it.</param>
    /// <returns>The kernel's function name, or the method's own name when it models none.</returns>
    public static string NameOf(string method) => s_byMethod.TryGetValue(method, out var source) ? source.Function : method;

    /// <summary>Where the kernel has the function.</summary>
    /// <param name="method">The method's name.</param>
    /// <returns>Its source, or null.</returns>
    public static KernelSourceAttribute? SourceOf(string method) => s_byMethod.GetValueOrDefault(method);
}
