using System.Text.Json;
using System.Text.Json.Serialization;
using IommuCluster.Exploration.Replay;

namespace IommuCluster.Exploration.Runs;

/// <summary>Campaigns, shards and results as bytes (UTF-8 JSON), for files and messages. What is read equals what was written.</summary>
public static class RunsWire
{
    /// <summary>Writes a shard.</summary>
    /// <param name="shard">The shard.</param>
    /// <returns>The bytes.</returns>
    public static byte[] Write(Shard shard) => JsonSerializer.SerializeToUtf8Bytes(shard, RunsJson.Default.Shard);

    /// <summary>Writes a result.</summary>
    /// <param name="result">The result.</param>
    /// <returns>The bytes.</returns>
    public static byte[] Write(ShardResult result) => JsonSerializer.SerializeToUtf8Bytes(result, RunsJson.Default.ShardResult);

    /// <summary>Writes a campaign.</summary>
    /// <param name="state">The campaign.</param>
    /// <returns>The bytes.</returns>
    public static byte[] Write(CampaignState state) => JsonSerializer.SerializeToUtf8Bytes(state, RunsJson.Default.CampaignState);

    /// <summary>Reads a shard.</summary>
    /// <param name="bytes">What was written.</param>
    /// <returns>The shard.</returns>
    /// <exception cref="JsonException">The bytes are none.</exception>
    public static Shard ReadShard(ReadOnlySpan<byte> bytes) => JsonSerializer.Deserialize(bytes, RunsJson.Default.Shard) ?? throw new JsonException("null is no shard");

    /// <summary>Reads a result.</summary>
    /// <param name="bytes">What was written.</param>
    /// <returns>The result.</returns>
    /// <exception cref="JsonException">The bytes are none.</exception>
    public static ShardResult ReadResult(ReadOnlySpan<byte> bytes) => JsonSerializer.Deserialize(bytes, RunsJson.Default.ShardResult) ?? throw new JsonException("null is no result");

    /// <summary>Reads a campaign.</summary>
    /// <param name="bytes">What was written.</param>
    /// <returns>The campaign.</returns>
    /// <exception cref="JsonException">The bytes are none.</exception>
    public static CampaignState ReadState(ReadOnlySpan<byte> bytes) => JsonSerializer.Deserialize(bytes, RunsJson.Default.CampaignState) ?? throw new JsonException("null is no campaign");
}

/// <summary>A schedule as its text.</summary>
internal sealed class ScheduleConverter : JsonConverter<Schedule>
{
    /// <inheritdoc/>
    public override Schedule Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Schedule.Decode(reader.GetString()) ?? throw new JsonException($"'{reader.GetString()}' is no schedule");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Schedule value, JsonSerializerOptions options) => writer.WriteStringValue(value.Encode());
}

/// <summary>How campaigns are written.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower,
    UseStringEnumConverter = true,
    IgnoreReadOnlyProperties = true,
    Converters = [typeof(ScheduleConverter)],
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(Shard))]
[JsonSerializable(typeof(ShardResult))]
[JsonSerializable(typeof(CampaignState))]
internal sealed partial class RunsJson : JsonSerializerContext;
