using IommuCluster.Cli.Cluster;
using IommuCluster.Silo.Runs;

namespace IommuCluster.Cli.Tests.Cluster;

public sealed class CaseTimesTests
{
    [Fact]
    public void Elapsed_OfCasesThatAreDoneSideBySide_IsTheirOwn()
    {
        var clock = new Clock();
        var times = new CaseTimes(clock, cases: 3);
        foreach (var (second, cases) in new[] { (1, "---"), (2, "ww-"), (5, "wd-"), (8, "ddw"), (9, "ddd") })
        {
            clock.Second = second;
            times.Note(new RunStatus("run-1", "toy", RunPhase.Running, second, [.. cases.Select(Case)], Retries: 0, Error: null, Replay: null));
        }

        Assert.Equal([7, 4, 4], Enumerable.Range(0, 3).Select(number => times.ElapsedOf(number).TotalSeconds));
    }

    [Fact]
    public void Elapsed_OfACaseThatHasNotEnded_IsNone() => Assert.Equal(TimeSpan.Zero, new CaseTimes(new Clock(), cases: 1).ElapsedOf(0));

    private static CaseStatus Case(char how) => new(
        "bug", "toy", "linux-6.6", "random", Budget: 1, Done: how == 'd' ? 1 : 0, Abandoned: 0, UnderWay: how == 'w' ? 1 : 0, Steps: 0, Coverage: null,
        Outcome: how == 'd' ? "as-expected" : null, Reasons: [], Findings: [], Lost: 0);

    private sealed class Clock : TimeProvider
    {
        public long Second { get; set; }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Second;
    }
}
