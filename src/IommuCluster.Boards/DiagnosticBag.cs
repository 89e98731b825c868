using System.Collections.Immutable;

namespace IommuCluster.Boards;

/// <summary>
/// Collects what is wrong with one input, so that the user sees everything at once. Bounded: the last error that fits
/// is thrown with all before it, warnings beyond are dropped.
/// </summary>
/// <param name="file">Name of the input, put in front of every diagnostic.</param>
internal sealed class DiagnosticBag(string file)
{
    /// <summary>No list of errors or warnings grows beyond this; who mends so many starts again anyway.</summary>
    private const int Limit = 100;

    private readonly List<BoardDiagnostic> _errors = [];
    private readonly List<BoardDiagnostic> _warnings = [];

    internal string File => file;

    internal ImmutableArray<BoardDiagnostic> Warnings => [.. _warnings];

    internal bool HasErrors => _errors.Count > 0;

    internal void Error(string reason, string remedy, long? offset = null) => AddError(At(reason, remedy, offset));

    internal void Error(string reason, string remedy, int line, int column) =>
        AddError(At(reason, remedy, null) with { Line = line, Column = column });

    internal void Warning(string reason, string remedy, long? offset = null)
    {
        if (_warnings.Count < Limit && At(reason, remedy, offset) is var warning && !_warnings.Contains(warning))
        {
            _warnings.Add(warning);
        }
    }

    /// <summary>An error after which nothing more of the input can be understood.</summary>
    internal BoardFormatException Fatal(string reason, string remedy, long? offset = null)
    {
        _errors.Add(At(reason, remedy, offset));
        return All();
    }

    /// <inheritdoc cref="Fatal(string, string, long?)"/>
    internal BoardFormatException Fatal(string reason, string remedy, int line, int column)
    {
        _errors.Add(At(reason, remedy, null) with { Line = line, Column = column });
        return All();
    }

    internal void ThrowIfErrors()
    {
        if (HasErrors)
        {
            throw All();
        }
    }

    // Found in whatever order, told in the order of the input.
    private BoardFormatException All() =>
        new([.. _errors.OrderBy(error => error.Line).ThenBy(error => error.Column).ThenBy(error => error.Offset)]);

    private void AddError(BoardDiagnostic error)
    {
        if (!_errors.Contains(error))
        {
            _errors.Add(error);
        }

        if (_errors.Count == Limit)
        {
            ThrowIfErrors();
        }
    }

    private BoardDiagnostic At(string reason, string remedy, long? offset) => new(file, reason, remedy) { Offset = offset };
}
