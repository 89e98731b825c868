using IommuCluster.Silo.Runs;

namespace IommuCluster.Cli.Cluster;

/// <summary>Measures cases of a run from here, each from the last status before it was seen at work: they may be done side by side.</summary>
/// <param name="clock">The clock.</param>
/// <param name="cases">How many cases.</param>
internal sealed class CaseTimes(TimeProvider clock, int cases)
{
    private readonly long _began = clock.GetTimestamp();
    private readonly TimeSpan?[] _begins = new TimeSpan?[cases];
    private readonly TimeSpan?[] _ends = new TimeSpan?[cases];
    private TimeSpan _last;

    /// <summary>Notes a status as it comes.</summary>
    internal void Note(RunStatus status)
    {
        var now = clock.GetElapsedTime(_began);
        for (var number = 0; number < cases; number++)
        {
            var seen = status.Cases[number];
            _begins[number] ??= seen.Done + seen.UnderWay > 0 || seen.Outcome is not null ? _last : null;
            _ends[number] ??= seen.Outcome is not null ? now : null;
        }

        _last = now;
    }

    /// <summary>How long a case took, by its number; 0 for one that has not ended.</summary>
    internal TimeSpan ElapsedOf(int number) => (_ends[number] - _begins[number]) ?? default;
}
