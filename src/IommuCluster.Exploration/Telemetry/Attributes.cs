using System.Text;

namespace IommuCluster.Exploration.Telemetry;

/// <summary>Attributes of measurements.</summary>
internal static class Attributes
{
    /// <summary>An attribute.</summary>
    public static KeyValuePair<string, object?> Of(string name, string value) => new(name, value);

    /// <summary>The word of an enum's value: <c>UseAfterFree</c> is <c>use-after-free</c>.</summary>
    public static string Word<T>(T value)
        where T : struct, Enum => Words<T>.All[value];

    private static string Kebab(string name)
    {
        var text = new StringBuilder();
        foreach (var letter in name)
        {
            text.Append(char.IsUpper(letter) && text.Length > 0 ? "-" : string.Empty).Append(char.ToLowerInvariant(letter));
        }

        return text.ToString();
    }

    private static class Words<T>
        where T : struct, Enum
    {
        public static readonly System.Collections.Frozen.FrozenDictionary<T, string> All =
            System.Collections.Frozen.FrozenDictionary.ToFrozenDictionary(Enum.GetValues<T>(), value => value, value => Kebab(value.ToString()));
    }
}
