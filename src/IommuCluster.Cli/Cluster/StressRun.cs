using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using IommuCluster.Cli.Commands;
using IommuCluster.Cli.Output;
using IommuCluster.Exploration.Runs;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Reports;
using IommuCluster.Scenarios.Running;
using IommuCluster.Scenarios.Verdicts;
using IommuCluster.Silo.Hosting;
using IommuCluster.Silo.Runs;
using CancellationToken = System.Threading.CancellationToken;

namespace IommuCluster.Cli.Cluster;

/// <summary><c>stress</c>. Compiled only where Orleans can be restored.</summary>
internal static class StressRun
{
    private const double Mebi = 1 << 20;
    private const double Kibi = 1 << 10;

    /// <summary>Slices under way at the same time: one a core, so that the others are busy while one waits for its last SoC. More only make caches colder.</summary>
    private static readonly int s_slicesAtOnce = Math.Clamp(Environment.ProcessorCount, 2, 16);

    /// <summary>Boots SoCs and tells of them.</summary>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    internal static async Task<int> RunAsync(CliContext context, CliOutput output, StressOrder order, CancellationToken cancellation)
    {
        var scenario = ScenarioCatalog.Locate(context.Places).Load(order.Scenario);
        var scenarioCase = order.Case is { } name ? scenario.FindCase(name) : scenario.Cases[0];
        await using var client = order.Endpoint is { } endpoint
            ? await RunClient.ConnectAsync(endpoint, new SettingsSources(File: null, []), cancellation)
            : await RunClient.StartAsync(order.Silos, context.Places, s_slicesAtOnce, cancellation);
        var pings = order.Pings ? new PingWatch(client, hasSilos: order.Endpoint is null) : null;
        await (pings?.LookAsync() ?? Task.CompletedTask);
        var memory = order.Endpoint is null ? new MemoryWatch() : null;
        var steps = new StepsWatch(context.Clock);
        var began = context.Clock.GetTimestamp();
        var run = new RunOrder { Scenario = scenario.Name, Text = RemoteCommands.TextOf(scenario), Case = scenarioCase.Name, Socs = order.Socs, Time = TextOf(order.Duration) };
        var status = await WatchAsync(client, run, memory, steps, cancellation);
        var elapsed = context.Clock.GetElapsedTime(began);
        var stepCost = steps.SumUp();
        var result = RemoteCommands.ResultOf(scenarioCase, status.Cases[0], elapsed);
        var atOnce = Math.Min(order.Socs, s_slicesAtOnce * RunClient.SocsAtOnce);
        var isSome = result.Seen.Schedules > 0;
        var report = new StressReport(order, result, status, elapsed, isSome ? memory?.SumUp(result.Seen.Schedules, atOnce) : null);
        if (isSome && pings is not null && !cancellation.IsCancellationRequested)
        {
            await pings.LookAsync();
            report = report with { Pings = pings.SumUp(stepCost) };
        }

        Tell(output, report);
        return cancellation.IsCancellationRequested ? ExitCodes.Interrupted : ClusterCommands.ExitCodeOf([result]);
    }

    private static string? TextOf(TimeSpan? duration) =>
        duration is { } time ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds}ms") : null;

    /// <summary>Has the SoCs booted. When it is interrupted here, what is under way is given up.</summary>
    private static async Task<RunStatus> WatchAsync(RunClient client, RunOrder order, MemoryWatch? memory, StepsWatch steps, CancellationToken cancellation)
    {
        var id = await client.SubmitAsync(order);
        await using var stop = cancellation.Register(() => _ = client.StopAsync(id));
        RunStatus? last = null;
        await foreach (var status in client.WatchAsync(id, CancellationToken.None))
        {
            last = status;
            memory?.Look();
            steps.Look(status.Cases[0].Steps);
        }

        return last switch
        {
            null => throw new InvalidOperationException($"The cluster has forgotten {id}."),
            { Error: { } error } => throw new InvalidOperationException($"{id} failed on the cluster: {error}"),
            _ => last,
        };
    }

    private static void Tell(CliOutput output, StressReport report)
    {
        if (output.IsJson)
        {
            output.Text(JsonSerializer.Serialize(report.ToJson(), StressJsonContext.Default.StressJson) + "\n");
            return;
        }

        output.Line(TextReport.Verdict(report.Result));
        if (output.IsQuiet)
        {
            return;
        }

        foreach (var line in Lines(report))
        {
            output.Line("  " + line);
        }

        output.Text(TextReport.Findings(report.Result));
    }

    private static IEnumerable<string> Lines(StressReport report)
    {
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Socs:N0} SoCs{report.Place} in {report.Elapsed.TotalSeconds:N1} s: {report.SocsPerSecond:N1} SoCs/s, {report.StepsPerSecond:N0} grain steps/s, {report.StepsASoc:N0} steps a SoC");
        if (report.IsTimeUp)
        {
            yield return $"the time was up: no more SoCs were begun, and all that had begun were finished and count";
        }

        if (report.Memory is { } memory)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"memory a SoC: {memory.LiveASoc / Kibi:N0} KiB while it boots, {memory.AllocatedASoc / Mebi:N1} MiB allocated, {memory.KeptASoc:N0} bytes kept afterwards; heap {memory.PeakHeap / Mebi:N0} MiB at most");
        }

        if (report.Pings is { } pings)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"bare pings between grains, before and after: {pings.PingsPerSecond:N0}/s; grain steps of the second half, when all is compiled: {pings.StepsPerSecond:N0}/s, {pings.Ratio:F2} of that{(pings.CpuRatio is { } ratio ? string.Create(CultureInfo.InvariantCulture, $", by CPU time {ratio:F2} ({pings.CpuAStep:N1} us a step, {pings.CpuAPing:N1} us a ping)") : string.Empty)}");
        }

        yield return string.Create(CultureInfo.InvariantCulture, $"lost with a silo and booted again: {report.Lost:N0}; slices and boots begun again: {report.Retries:N0}");
        foreach (var (kind, sites, count) in report.Kinds())
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"{kind}: {sites} at {(sites == 1 ? "one site" : "different sites")}, seen {count:N0} times");
        }
    }
}

/// <summary>What a stress run comes to.</summary>
internal sealed record StressReport(StressOrder Order, CaseResult Result, RunStatus Status, TimeSpan Elapsed, MemoryCost? Memory)
{
    /// <summary>What bare pings reached, where they were measured.</summary>
    internal PingCost? Pings { get; init; }

    internal long Socs => Result.Seen.Schedules;

    internal long Lost => Status.Cases[0].Lost;

    internal int Retries => Status.Retries;

    internal bool IsTimeUp => Result.Seen.Coverage == Coverage.BudgetDone && Socs < Order.Socs;

    internal double SocsPerSecond => Socs / Elapsed.TotalSeconds;

    internal double StepsPerSecond => Result.Seen.Steps / Elapsed.TotalSeconds;

    internal double StepsASoc => Socs == 0 ? 0 : (double)Result.Seen.Steps / Socs;

    internal string Place => Order.Endpoint is null ? $" over {Order.Silos} silo{(Order.Silos == 1 ? string.Empty : "s")}" : $" on {Order.Endpoint}";

    /// <summary>Findings by kind: how many different ones, and in how many SoCs they were seen all together.</summary>
    internal IEnumerable<(string Kind, int Sites, long Count)> Kinds() =>
        from seen in Result.Seen.All
        group seen by ScenarioWords.Kebab(seen.Finding.Kind) into kind
        orderby kind.Key
        select (kind.Key, kind.Count(), kind.Sum(seen => seen.Count));

    internal StressJson ToJson() => new(
        Result.Case.Scenario,
        Result.Case.Name,
        Result.Case.Plan.Board.Name,
        Result.Case.Plan.Profile.Name,
        Order.Endpoint is null ? Order.Silos : null,
        ScenarioWords.Kebab(Result.Verdict.Outcome),
        ScenarioWords.Kebab(Result.Seen.Coverage),
        IsTimeUp,
        Socs,
        Lost,
        Retries,
        Elapsed.TotalMilliseconds,
        Result.Seen.Steps,
        SocsPerSecond,
        StepsPerSecond,
        Memory,
        Pings,
        [.. Kinds().Select(kind => new StressKindJson(kind.Kind, kind.Sites, kind.Count))],
        [.. Status.Cases[0].Findings]);
}

/// <summary>A stress run for programs. Memory in bytes, rates a second.</summary>
internal sealed record StressJson(
    string Scenario, string Case, string Board, string Profile, int? Silos, string Outcome, string Coverage, bool IsTimeUp, long Socs, long Lost, int Retries, double ElapsedMs, long Steps,
    double SocsPerSecond, double StepsPerSecond, MemoryCost? Memory, PingCost? Pings, IReadOnlyList<StressKindJson> Kinds, IReadOnlyList<RunFinding> Findings);

/// <summary>Findings of a kind.</summary>
internal sealed record StressKindJson(string Kind, int Sites, long Count);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StressJson))]
internal sealed partial class StressJsonContext : JsonSerializerContext;
