using System.Text.Json;
using System.Text.Json.Serialization;
using IommuCluster.Kernel.Firmware;

namespace IommuCluster.Boards.Tests.Support;

/// <summary>A board with every field of it as text, so that two boards can be compared value by value.</summary>
internal static class BoardText
{
    private static readonly JsonSerializerOptions s_options = new() { WriteIndented = true, Converters = { new JsonStringEnumConverter() } };

    internal static string Of(Board board) => JsonSerializer.Serialize(board, s_options);
}
