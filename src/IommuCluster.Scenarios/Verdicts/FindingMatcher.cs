using IommuCluster.Kernel;
using IommuCluster.Kernel.Checking;
using IommuCluster.Scenarios.Format;

namespace IommuCluster.Scenarios.Verdicts;

/// <summary>Says which findings are meant. What is null matches anything.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Function">The function: the kernel's name or the modelling method's.</param>
/// <param name="Type">The kernel type concerned.</param>
/// <param name="Field">The field concerned.</param>
/// <param name="Other">The second function or class of a pair.</param>
/// <param name="Source">Who says that this is known (<c>R17</c>); null for an expectation.</param>
public sealed record FindingMatcher(FindingKind Kind, string? Function, string? Type, string? Field, string? Other, string? Source)
{
    /// <summary>Tells whether a finding is meant.</summary>
    /// <param name="finding">The finding.</param>
    /// <returns>True when all that is said agrees; the two functions of a race in either order.</returns>
    public bool Matches(Finding finding) =>
        finding.Kind == Kind
        && (Type is null || Type == finding.ObjectType)
        && (Field is null || Field == finding.Field)
        && (Agree(Function, finding.Function) && Agree(Other, finding.Other)
            || (finding.IsRace && Agree(Function, finding.Other) && Agree(Other, finding.Function)));

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = ScenarioWords.Kebab(Kind);
        text += Function is null ? string.Empty : $" in {Function}";
        text += Other is null ? string.Empty : $" / {Other}";
        text += (Type, Field) switch
        {
            (null, null) => string.Empty,
            (null, var field) => $" at {field}",
            (var type, null) => $" on {type}",
            var (type, field) => $" on {type}->{field}",
        };
        return text;
    }

    private static bool Agree(string? wanted, string actual) => wanted is null || wanted == actual || wanted == KernelFunctions.NameOf(actual);
}

/// <summary>A finding that a case must show.</summary>
/// <param name="Matcher">Which one.</param>
/// <param name="Always">True when every schedule must show it.</param>
public sealed record Expectation(FindingMatcher Matcher, bool Always);
