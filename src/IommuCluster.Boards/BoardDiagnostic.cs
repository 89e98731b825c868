namespace IommuCluster.Boards;

/// <summary>One thing that is wrong with an input: where, what, and how to mend it.</summary>
/// <param name="File">Name of the input, as the user gave it.</param>
/// <param name="Reason">What is wrong, without a full stop.</param>
/// <param name="Remedy">What would be right, or what to do, without a full stop.</param>
public sealed record BoardDiagnostic(string File, string Reason, string Remedy)
{
    /// <summary>Byte offset in a binary input; null in a text and where no single place is at fault.</summary>
    public long? Offset { get; init; }

    /// <summary>Line in a text, from 1; null in a binary input.</summary>
    public int? Line { get; init; }

    /// <summary>Column in a text, from 1; null in a binary input.</summary>
    public int? Column { get; init; }

    /// <summary>One line for people: <c>file:line:column: reason; remedy</c> or <c>file @0x1c: reason; remedy</c>.</summary>
    public override string ToString() => $"{File}{Place()}: {Reason}; {Remedy}";

    private string Place() => (Line, Offset) switch
    {
        ({ } line, _) => $":{line}:{Column ?? 1}",
        (_, { } offset) => $" @0x{offset:x}",
        _ => "",
    };
}
