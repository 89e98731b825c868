using System.CommandLine;
using IommuCluster.Cli.Output;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Cli.Commands;

/// <summary>What <c>stress</c> is asked for.</summary>
/// <param name="Scenario">A name under scenarios/, or a file.</param>
/// <param name="Case">The case; the first one when null.</param>
/// <param name="Socs">SoCs at most.</param>
/// <param name="Silos">Silos in this process.</param>
/// <param name="Duration">The budget in time; null for none.</param>
/// <param name="Endpoint">Gateways of a cluster that runs elsewhere; null for this process.</param>
/// <param name="Pings">True to measure bare pings, too, before and after.</param>
internal sealed record StressOrder(string Scenario, string? Case, long Socs, int Silos, TimeSpan? Duration, string? Endpoint, bool Pings);

/// <summary><c>stress SCENARIO</c>: many SoCs of a board at the same time, by free concurrency, over several silos.</summary>
internal static class StressCommand
{
    private const long DefaultSocs = 1_000;
    private const long DefaultSilos = 3;

    internal static Command Create(CliContext context, GlobalOptions options)
    {
        var scenario = new Argument<string>("scenario") { Description = "A name under scenarios/, or a file." };
        var named = new Option<string?>("--case") { Description = "The case; the first one when not given." };
        var socs = BoundedOption.Number("--socs", $"SoCs to boot, each once; {DefaultSocs} when not given, and as many as there is time for with --duration.", 1, 10_000_000);
        var silos = BoundedOption.Number("--silos", $"Silos in this process; {DefaultSilos} when not given.", 1, 32);
        var duration = BoundedOption.Time("--duration", "The budget in time: 90s, 5m, 2h. SoCs that have begun by then are finished and count.");
        var pings = new Option<bool>("--ping") { Description = "Measure, before and after, how fast grains that do nothing answer each other, and hold the steps against it." };
        var cluster = RuntimeOption.CreateEndpoint();
        var command = new Command("stress", "Boots many SoCs of one board over several silos and tells how fast, what was seen and what was lost.") { scenario, named, socs, silos, duration, pings, cluster }
            .Refuse(line => line.Has(silos) && line.Has(cluster) ? "--silos are those of this process, and --cluster is elsewhere: leave one of them away" : null);
        command.SetAction((parsed, cancellation) =>
        {
            var time = parsed.GetValue(duration);
            var order = new StressOrder(
                parsed.GetRequiredValue(scenario),
                parsed.GetValue(named),
                parsed.GetValue(socs) ?? (time is null ? DefaultSocs : 10_000_000),
                (int)(parsed.GetValue(silos) ?? DefaultSilos),
                time,
                parsed.GetValue(cluster),
                parsed.GetValue(pings));
            return Stress(context, new CliOutput(context, options, parsed), order, cancellation);
        });
        return command;
    }

    private static Task<int> Stress(CliContext context, CliOutput output, StressOrder order, CancellationToken cancellation) =>
#if ORLEANS
        Cluster.StressRun.RunAsync(context, output, order, cancellation);
#else
        Task.FromResult(RuntimeOption.SayLeftOut(context));
#endif
}
