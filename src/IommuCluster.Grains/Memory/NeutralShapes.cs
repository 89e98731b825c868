using System.Collections.Immutable;
using IommuCluster.Grains.Contracts;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Memory;

/// <summary>
/// Layouts and fields by what of them travels. A bank needs a field's offset and a type's name and size, no more, so
/// these stand in for the real ones, which threads keep.
/// </summary>
internal sealed class NeutralShapes
{
    private static readonly Layout s_any = new("any");
    private static readonly ImmutableArray<FieldDescriptor> s_words = [.. Enumerable.Range(0, 256).Select(Field)]; // More than any struct has; the same for all.

    private readonly Dictionary<string, Layout> _layouts = new(StringComparer.Ordinal);

    /// <summary>The bank's form of a step.</summary>
    /// <param name="step">The step as it travelled.</param>
    /// <returns>The step, not yet resolved.</returns>
    public StepRequest ToRequest(StepMessage step) => new()
    {
        Kind = step.Kind,
        Base = new Address(step.Base),
        Field = step.Word < 0 ? null : WordAt(step.Word),
        Index = step.Index,
        Value = step.Value,
        Expected = step.Expected,
        Thread = step.Thread,
        Layout = step.Type is null ? null : LayoutOf(step.Type),
        ObjectNumber = -1,
    };

    private static FieldDescriptor WordAt(int word) => word < s_words.Length ? s_words[word] : Field(word);

    private static FieldDescriptor Field(int word) => new(s_any, string.Empty, word, 0, 0, lockClass: null);

    private Layout LayoutOf(string name)
    {
        if (!_layouts.TryGetValue(name, out var layout))
        {
            _layouts.Add(name, layout = new Layout(name));
        }

        return layout;
    }
}
