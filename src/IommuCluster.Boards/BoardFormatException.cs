using System.Collections.Immutable;

namespace IommuCluster.Boards;

/// <summary>A board description cannot be read. Carries everything that is wrong with it, in the order of the input.</summary>
public sealed class BoardFormatException : Exception
{
    /// <summary>Makes the exception from what was found; its message is the diagnostics, one a line.</summary>
    /// <param name="diagnostics">What is wrong; at least one.</param>
    public BoardFormatException(ImmutableArray<BoardDiagnostic> diagnostics)
        : base(string.Join('\n', diagnostics))
    {
        ArgumentOutOfRangeException.ThrowIfZero(diagnostics.Length, nameof(diagnostics));
        Diagnostics = diagnostics;
    }

    /// <summary>What is wrong, in the order of the input; never empty.</summary>
    public ImmutableArray<BoardDiagnostic> Diagnostics { get; }
}
