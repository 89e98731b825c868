using System.Collections.Immutable;
using IommuCluster.Boards;

namespace IommuCluster.Scenarios.Format;

/// <summary>A scenario, token or plan that cannot be used. Carries everything that is wrong with it, in the order of the input.</summary>
/// <param name="diagnostics">What is wrong; at least one.</param>
public sealed class ScenarioException(ImmutableArray<BoardDiagnostic> diagnostics) : Exception(string.Join('\n', diagnostics))
{
    /// <summary>One thing wrong, at no single place of a file.</summary>
    /// <param name="input">The input, as the user gave it.</param>
    /// <param name="reason">What is wrong, without a full stop.</param>
    /// <param name="remedy">What would be right, without a full stop.</param>
    public ScenarioException(string input, string reason, string remedy)
        : this([new BoardDiagnostic(input, reason, remedy)])
    {
    }

    /// <summary>What is wrong, in the order of the input; never empty.</summary>
    public ImmutableArray<BoardDiagnostic> Diagnostics { get; } = diagnostics;
}
