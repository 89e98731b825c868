using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Reports;
using IommuCluster.Scenarios.Running;
using IommuCluster.Silo.Runs;
using CancellationToken = System.Threading.CancellationToken;
using SemaphoreSlim = System.Threading.SemaphoreSlim;

namespace IommuCluster.Silo.Running;

/// <summary>Tells a run's finding whole, as the command line does: replays its token in this process and shrinks it. One at a time, for it takes a core.</summary>
/// <param name="orders">Reads what a run's order names.</param>
/// <param name="clock">Dates spans.</param>
internal sealed class FindingText(OrderReader orders, TimeProvider clock) : IDisposable
{
    private readonly CaseRunner _cases = new(clock);
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Writes the report of a finding.</summary>
    /// <param name="order">The run's order.</param>
    /// <param name="caseName">The case that showed it.</param>
    /// <param name="finding">The finding's fingerprint.</param>
    /// <param name="token">Its token.</param>
    /// <param name="cancellation">Gives up, while it waits for its turn.</param>
    /// <returns>Splat, interleaving and the command that replays it; lines ended by a line feed.</returns>
    /// <exception cref="ScenarioException">The order or the token fits this silo's scenarios no more.</exception>
    public async Task<string> WriteAsync(RunOrder order, string caseName, string finding, string token, CancellationToken cancellation)
    {
        var found = orders.Read(order with { Case = caseName }).Cases[0];
        await _turn.WaitAsync(cancellation);
        try
        {
            return await Task.Factory.StartNew(() => Write(found, finding, ScenarioToken.Parse(token)), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _turn.Dispose();

    private string Write(ScenarioCase found, string finding, ScenarioToken token)
    {
        var sighting = _cases.Replay(found, token).Sightings.FirstOf(seen => seen.Id == finding)
            ?? throw new ScenarioException(token.ToString(), $"its schedule does not show {finding} here", "run the scenario again");
        return TextReport.Finding(_cases.Report(found, new ObservedFinding(sighting.Finding, sighting, FirstSchedule: 0, Count: 1, token.Schedules)));
    }
}
