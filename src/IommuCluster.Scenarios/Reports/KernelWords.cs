using System.Text.RegularExpressions;
using IommuCluster.Kernel;

namespace IommuCluster.Scenarios.Reports;

/// <summary>From the model's names to the kernel's.</summary>
internal static partial class KernelWords
{
    /// <summary>A message with the kernel's function names in place of the modelling methods'.</summary>
    /// <param name="message">The message.</param>
    internal static string InKernelWords(string message) => MethodName().Replace(message, match => KernelFunctions.NameOf(match.Value));

    [GeneratedRegex(@"\b[A-Z][A-Za-z0-9]*\b", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex MethodName();
}
