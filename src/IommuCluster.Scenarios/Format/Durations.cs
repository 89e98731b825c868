using System.Globalization;

namespace IommuCluster.Scenarios.Format;

/// <summary>Lengths of time as people write them.</summary>
internal static class Durations
{
    internal const string Remedy = "write a number with ms, s, m or h: 90s";

    /// <summary>Reads a length of time.</summary>
    /// <param name="text"><c>500ms</c>, <c>90s</c>, <c>5m</c> or <c>2h</c>.</param>
    /// <param name="time">The length; above 0, at most 1000 hours.</param>
    /// <returns>True when it is one.</returns>
    internal static bool TryParse(string text, out TimeSpan time)
    {
        time = default;
        var (number, ms) = text switch
        {
            _ when text.EndsWith("ms", StringComparison.Ordinal) => (text[..^2], 1.0),
            _ when text.EndsWith('s') => (text[..^1], 1_000.0),
            _ when text.EndsWith('m') => (text[..^1], 60_000.0),
            _ when text.EndsWith('h') => (text[..^1], 3_600_000.0),
            _ => (string.Empty, 0),
        };
        if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) || value * ms is not (> 0 and <= 3_600_000_000.0))
        {
            return false;
        }

        time = TimeSpan.FromMilliseconds(value * ms);
        return true;
    }
}
