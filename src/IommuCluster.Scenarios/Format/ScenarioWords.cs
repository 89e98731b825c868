using System.Collections.Frozen;
using System.Text;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.DriverCore;

namespace IommuCluster.Scenarios.Format;

/// <summary>The words that a scenario's values are written with.</summary>
internal static class ScenarioWords
{
    internal static readonly FrozenDictionary<string, FindingKind> Kinds =
        Enum.GetValues<FindingKind>().ToFrozenDictionary(Kebab, kind => kind, StringComparer.Ordinal);

    internal static readonly FrozenDictionary<string, FirmwareLinks> FirmwareLinks =
        Enum.GetValues<FirmwareLinks>().ToFrozenDictionary(Kebab, kind => kind, StringComparer.Ordinal);

    internal static readonly FrozenDictionary<string, DeferredTimeout> DeferredTimeouts =
        Enum.GetValues<DeferredTimeout>().ToFrozenDictionary(Kebab, kind => kind, StringComparer.Ordinal);

    internal static readonly FrozenDictionary<string, UserVerb> UserVerbs =
        Enum.GetValues<UserVerb>().ToFrozenDictionary(Kebab, kind => kind, StringComparer.Ordinal);

    internal static readonly FrozenDictionary<string, DriverLoad> Loads =
        Enum.GetValues<DriverLoad>().ToFrozenDictionary(Kebab, kind => kind, StringComparer.Ordinal);

    internal static readonly FrozenDictionary<string, ProbeMode> Probes = new Dictionary<string, ProbeMode>(StringComparer.Ordinal)
    {
        ["sync"] = ProbeMode.Synchronous,
        ["async"] = ProbeMode.Asynchronous,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    internal static readonly FrozenDictionary<string, bool> AfterOops = new Dictionary<string, bool>(StringComparer.Ordinal)
    {
        ["stop"] = false,
        ["go-on"] = true,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    internal static readonly FrozenDictionary<string, bool> Placement = new Dictionary<string, bool>(StringComparer.Ordinal)
    {
        ["together"] = false,
        ["scattered"] = true,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    internal static readonly FrozenDictionary<string, bool> Races = new Dictionary<string, bool>(StringComparer.Ordinal)
    {
        ["listed"] = false,
        ["red"] = true,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    internal static readonly FrozenDictionary<string, bool> Whens = new Dictionary<string, bool>(StringComparer.Ordinal)
    {
        ["always"] = true,
        ["sometimes"] = false,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>An enum's word: <c>UseAfterFree</c> is <c>use-after-free</c>.</summary>
    /// <typeparam name="T">The enum.</typeparam>
    /// <param name="value">The value.</param>
    internal static string Kebab<T>(T value)
        where T : struct, Enum
    {
        var text = new StringBuilder();
        foreach (var letter in value.ToString())
        {
            if (char.IsUpper(letter) && text.Length > 0)
            {
                text.Append('-');
            }

            text.Append(char.ToLowerInvariant(letter));
        }

        return text.ToString();
    }
}
