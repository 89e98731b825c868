using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace IommuCluster.TestKit;

/// <summary>Hears one meter, and nothing of others of its name.</summary>
public sealed class Heard : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentQueue<(string Name, double Value, string Attributes)> _all = [];

    public Heard(Meter meter)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter, meter))
            {
                Instruments.Add(instrument);
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, attributes, _) => Note(instrument, value, attributes));
        _listener.SetMeasurementEventCallback<double>((instrument, value, attributes, _) => Note(instrument, value, attributes));
        _listener.Start();
    }

    /// <summary>The meter's instruments.</summary>
    public List<Instrument> Instruments { get; } = [];

    /// <summary>Each instrument as a page of documentation has it: name, kind, unit.</summary>
    public IEnumerable<string> Described => from instrument in Instruments
                                            let kind = instrument.GetType().Name
                                            select $"{instrument.Name} {kind[..kind.IndexOf('`', StringComparison.Ordinal)].ToLowerInvariant()} {instrument.Unit}";

    /// <summary>The attributes that an instrument was told with.</summary>
    public IEnumerable<string> AttributesOf(string name) => _all.Where(each => each.Name == name).Select(each => each.Attributes).Distinct().Order(StringComparer.Ordinal);

    /// <summary>The sum of an instrument's measurements, of one attribute's value or all.</summary>
    public double Sum(string name, string? attributes = null) => _all.Where(each => each.Name == name && (attributes is null || each.Attributes == attributes)).Sum(each => each.Value);

    /// <summary>How often an instrument was told.</summary>
    public int Count(string name) => _all.Count(each => each.Name == name);

    public void Dispose() => _listener.Dispose();

    private void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> attributes)
    {
        var text = string.Join(' ', attributes.ToArray().Select(each => $"{each.Key}={each.Value}"));
        _all.Enqueue((instrument.Name, value, text));
    }
}

/// <summary>The tables of src/IommuCluster.Telemetry/README.md.</summary>
public static class TelemetryPage
{
    /// <summary>The instruments that the page tells of a meter: name, kind, unit.</summary>
    public static IEnumerable<string> Of(string meter) =>
        from line in Page()[(Array.FindIndex(Page(), line => line.StartsWith($"## Meter `{meter}`", StringComparison.Ordinal)) + 1)..].TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))
        where line.StartsWith("| `", StringComparison.Ordinal)
        let cells = line.Split('|', StringSplitOptions.TrimEntries)
        select $"{cells[1].Trim('`')} {cells[2]} {cells[3].Trim('`')}";

    private static string[] Page([System.Runtime.CompilerServices.CallerFilePath] string here = "") =>
        File.ReadAllLines(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "src", "IommuCluster.Telemetry", "README.md"));
}
