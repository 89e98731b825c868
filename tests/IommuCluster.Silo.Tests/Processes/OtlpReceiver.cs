using System.Collections.Concurrent;
using System.Net;
using System.Text;
using IommuCluster.Silo.Hosting;
using IommuCluster.Silo.Tests.Support;

namespace IommuCluster.Silo.Tests.Processes;

/// <summary>
/// Takes what processes send by OTLP over HTTP, and reads of it what tests ask for. Numbers of fields are those of
/// opentelemetry-proto 1.x: <c>metrics/v1/metrics.proto</c>, <c>trace/v1/trace.proto</c>.
/// </summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentQueue<(string Path, byte[] Body)> _received = [];
    private readonly string _url = $"http://127.0.0.1:{FreePorts.One()}";
    private readonly Task _receiving;

    internal OtlpReceiver()
    {
        _listener.Prefixes.Add($"{_url}/");
        _listener.Start();
        _receiving = ReceiveAsync();
    }

    /// <summary>What a process needs in its environment to send here.</summary>
    internal IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = _url,
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_TRACES_EXPORTER"] = "otlp",
    };

    /// <summary>The instruments of a meter, as the page of documentation has them: name, kind, unit.</summary>
    internal IReadOnlySet<string> InstrumentsOf(string meter) =>
        (from scope in At("/v1/metrics", 1, 2)
         where ScopeOf(scope) == meter
         from metric in At(scope, 2)
         let kind = Fields(metric).Any(field => field.Number == 7) ? "counter" : Fields(metric).Any(field => field.Number == 9) ? "histogram" : "gauge"
         select $"{TextOf(metric, 1)} {kind} {TextOf(metric, 3)}").ToHashSet();

    /// <summary>The meters that told anything.</summary>
    internal IReadOnlySet<string> Meters() => At("/v1/metrics", 1, 2).Select(ScopeOf).ToHashSet();

    /// <summary>Names of all spans.</summary>
    internal IReadOnlyList<string> Spans() => [.. At("/v1/traces", 1, 2, 2).Select(span => TextOf(span, 5))];

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _receiving;
    }

    private async Task ReceiveAsync()
    {
        try
        {
            while (true)
            {
                var context = await _listener.GetContextAsync();
                using var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body);
                _received.Enqueue((context.Request.Url!.AbsolutePath, body.ToArray())); // A request has one.
                context.Response.ContentType = "application/x-protobuf";
                context.Response.Close();
            }
        }
        catch (Exception stopped) when (stopped is HttpListenerException or ObjectDisposedException)
        {
        }
    }

    private IEnumerable<ReadOnlyMemory<byte>> At(string path, params int[] fields) =>
        _received.Where(request => request.Path == path).SelectMany(request => At(request.Body, fields));

    private static IEnumerable<ReadOnlyMemory<byte>> At(ReadOnlyMemory<byte> message, params int[] fields) =>
        fields.Aggregate(Enumerable.Repeat(message, 1), (found, number) => found.SelectMany(Fields).Where(field => field.Number == number).Select(field => field.Value));

    private static string ScopeOf(ReadOnlyMemory<byte> scope) => TextOf(At(scope, 1).Single(), 1);

    private static string TextOf(ReadOnlyMemory<byte> message, int number) => Encoding.UTF8.GetString(At(message, number).FirstOrDefault().Span);

    /// <summary>The fields of a message; of numbers only that they are there.</summary>
    private static List<(int Number, ReadOnlyMemory<byte> Value)> Fields(ReadOnlyMemory<byte> message)
    {
        var fields = new List<(int, ReadOnlyMemory<byte>)>();
        while (!message.IsEmpty)
        {
            var key = Varint(ref message);
            var length = (key & 7) switch
            {
                0 => Skip(ref message),
                1 => 8,
                5 => 4,
                2 => (int)Varint(ref message),
                var type => throw new InvalidDataException($"Wire type {type} is not of protobuf 3."),
            };
            fields.Add(((int)(key >> 3), message[..length]));
            message = message[length..];
        }

        return fields;
    }

    private static int Skip(ref ReadOnlyMemory<byte> message)
    {
        Varint(ref message);
        return 0;
    }

    private static ulong Varint(ref ReadOnlyMemory<byte> message)
    {
        var value = 0UL;
        var at = 0;
        byte next;
        do
        {
            next = message.Span[at];
            value |= (ulong)(next & 0x7f) << (7 * at++);
        }
        while ((next & 0x80) != 0);

        message = message[at..];
        return value;
    }
}
