using System.CommandLine;
using System.CommandLine.Parsing;

namespace IommuCluster.Cli.Commands;

/// <summary>Options that do not go together: what would be passed over in silence is refused.</summary>
internal static class Clashes
{
    /// <summary>Refuses command lines.</summary>
    /// <param name="command">The command.</param>
    /// <param name="why">Says why a line is refused and what to write instead; null when it is not.</param>
    /// <returns>The command.</returns>
    internal static Command Refuse(this Command command, Func<CommandResult, string?> why)
    {
        command.Validators.Add(line =>
        {
            if (why(line) is { } reason)
            {
                line.AddError(reason);
            }
        });
        return command;
    }

    /// <summary>Refuses an option that this command and those below it have no use for.</summary>
    /// <param name="command">The command.</param>
    /// <param name="option">The option.</param>
    /// <param name="why">Why, and what to write instead.</param>
    /// <returns>The command.</returns>
    internal static Command Refuse(this Command command, Option option, string why)
    {
        foreach (var leaf in command.Subcommands.DefaultIfEmpty(command))
        {
            leaf.Refuse(line => line.Has(option) ? why : null);
        }

        return command;
    }

    /// <summary>Tells whether an option is on the command line.</summary>
    /// <param name="line">The command line.</param>
    /// <param name="option">The option.</param>
    /// <returns>False when it has its default.</returns>
    internal static bool Has(this CommandResult line, Option option) => line.GetResult(option) is { Implicit: false };
}
