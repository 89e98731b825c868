using System.CommandLine;
using System.Globalization;
using IommuCluster.Scenarios.Format;

namespace IommuCluster.Cli.Commands;

/// <summary>Options whose values have bounds, and say so.</summary>
internal static class BoundedOption
{
    /// <summary>A number.</summary>
    internal static Option<long?> Number(string name, string description, long least, long most, params string[] aliases) => new(name, aliases)
    {
        Description = description,
        CustomParser = result =>
        {
            if (long.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most)
            {
                return value;
            }

            result.AddError($"{name} is '{result.Tokens[0].Value}': give a number from {least} to {most}");
            return null;
        },
    };

    /// <summary>A time.</summary>
    internal static Option<TimeSpan?> Time(string name, string description) => new(name)
    {
        Description = description,
        CustomParser = result =>
        {
            if (Durations.TryParse(result.Tokens[0].Value, out var time))
            {
                return time;
            }

            result.AddError($"{name} is '{result.Tokens[0].Value}': {Durations.Remedy}");
            return null;
        },
    };
}
