using IommuCluster.Grains.Contracts;

namespace IommuCluster.Grains.Boots;

/// <summary>Puts each thread's reports into the order of their numbers and drops the ones that arrive again.</summary>
internal sealed class ReportOrder
{
    private readonly Dictionary<int, int> _taken = [];
    private readonly List<ThreadReport> _early = [];

    /// <summary>Takes a report as it arrives.</summary>
    /// <param name="report">The report.</param>
    /// <returns>The reports whose turn has come.</returns>
    public IEnumerable<ThreadReport> Arrived(ThreadReport report)
    {
        _early.Add(report);
        while (_early.Find(IsNext) is { } next)
        {
            _taken[next.Thread] = next.Number;
            yield return next;
        }

        _early.RemoveAll(early => early.Number <= _taken.GetValueOrDefault(early.Thread));
    }

    private bool IsNext(ThreadReport report) => report.Number == _taken.GetValueOrDefault(report.Thread) + 1;
}
