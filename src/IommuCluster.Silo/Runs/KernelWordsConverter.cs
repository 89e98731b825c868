using System.Text.Json;
using System.Text.Json.Serialization;
using IommuCluster.Scenarios.Reports;

namespace IommuCluster.Silo.Runs;

/// <summary>Writes texts that name methods of the model with the kernel's names in their place. Records keep the methods' names: a finding's fingerprint is made of them.</summary>
public sealed class KernelWordsConverter : JsonConverter<string>
{
    /// <inheritdoc/>
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetString();

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(KernelWords.InKernelWords(value));
}
