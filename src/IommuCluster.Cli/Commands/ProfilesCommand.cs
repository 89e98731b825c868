using System.CommandLine;
using System.Reflection;
using IommuCluster.Cli.Output;
using IommuCluster.Kernel.Profiles;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Verdicts;

namespace IommuCluster.Cli.Commands;

/// <summary><c>profiles list|show|diff</c>.</summary>
internal static class ProfilesCommand
{
    private static readonly string[] s_prose = [nameof(Profile.Name), nameof(Profile.Summary), nameof(Profile.Era)];

    internal static Command Create(CliContext context, GlobalOptions options) => new("profiles", "What kernel eras there are, and how they differ.")
    {
        List(context, options),
        Show(context, options),
        Diff(context, options),
    };

    private static Command List(CliContext context, GlobalOptions options)
    {
        var command = new Command("list", "Lists the eras, oldest first.");
        command.SetAction(parsed =>
        {
            var output = new CliOutput(context, options, parsed);
            foreach (var profile in ProfileCatalog.All)
            {
                output.Line($"{profile.Name,-24}{profile.Summary}");
            }

            return ExitCodes.Fine;
        });
        return command;
    }

    private static Command Show(CliContext context, GlobalOptions options)
    {
        var name = new Argument<string>("profile") { Description = "A name of `profiles list`." };
        var command = new Command("show", "Shows an era's switches and the data races that it is known for.") { name };
        command.SetAction(parsed =>
        {
            var output = new CliOutput(context, options, parsed);
            var profile = Find(parsed.GetRequiredValue(name));
            output.Line($"{profile.Name}: {profile.Summary}");
            output.Line($"reference: {profile.Era}");
            foreach (var property in Switches())
            {
                output.Line($"  {property.Name,-28}{property.GetValue(profile)}");
            }

            output.Line("data races that it is known for:");
            foreach (var race in KnownRaces.All.Where(race => race.In(profile)))
            {
                output.Line($"  {race.Source}");
            }

            return ExitCodes.Fine;
        });
        return command;
    }

    private static Command Diff(CliContext context, GlobalOptions options)
    {
        var (a, b) = (new Argument<string>("a") { Description = "An era." }, new Argument<string>("b") { Description = "Another one." });
        var command = new Command("diff", "Shows in which switches two eras differ.") { a, b };
        command.SetAction(parsed =>
        {
            var output = new CliOutput(context, options, parsed);
            var (first, second) = (Find(parsed.GetRequiredValue(a)), Find(parsed.GetRequiredValue(b)));
            output.Line($"  {string.Empty,-28}{first.Name,-22}{second.Name}");
            foreach (var property in Switches().Where(property => !Equals(property.GetValue(first), property.GetValue(second))))
            {
                output.Line($"  {property.Name,-28}{property.GetValue(first),-22}{property.GetValue(second)}");
            }

            return ExitCodes.Fine;
        });
        return command;
    }

    private static IEnumerable<PropertyInfo> Switches() =>
        typeof(Profile).GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => !s_prose.Contains(property.Name));

    private static Profile Find(string name) => ProfileCatalog.Find(name)
        ?? throw new ScenarioException(name, "there is no such profile", $"known: {string.Join(", ", ProfileCatalog.All.Select(profile => profile.Name))}");
}
