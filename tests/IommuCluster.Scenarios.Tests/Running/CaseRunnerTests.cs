using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Running;
using IommuCluster.Scenarios.Tests.Support;
using IommuCluster.Scenarios.Verdicts;
using IommuCluster.TestKit;

namespace IommuCluster.Scenarios.Tests.Running;

public sealed class CaseRunnerTests
{
    private const string AllOfS = "[ { finding: use-after-free }, { finding: null-dereference }, { finding: warning } ]";

    [Fact]
    public void Run_RaceThatIsExpected_IsAsExpected()
    {
        var result = Cases.Runner(isFixed: false).Run(Cases.With(AllOfS));

        Assert.Equal(Outcome.AsExpected, result.Verdict.Outcome);
        Assert.All(result.Verdict.Findings, judged => Assert.Equal(judged.Observed.Finding.IsRace ? Standing.Listed : Standing.Expected, judged.Standing));
    }

    [Fact]
    public void Run_FixedProgram_IsCleanAndExhausted()
    {
        var result = Cases.Runner(isFixed: true).Run(Cases.With("clean", "{ strategy: states, schedules: null }"));

        Assert.Equal(Outcome.AsExpected, result.Verdict.Outcome);
        Assert.Equal(Coverage.Exhausted, result.Seen.Coverage);
        Assert.Empty(result.Seen.All);
    }

    [Fact]
    public void Run_FindingThatNobodyExpects_IsNotAsExpected()
    {
        var result = Cases.Runner(isFixed: false).Run(Cases.With("clean"));

        Assert.Equal(Outcome.NotAsExpected, result.Verdict.Outcome);
        Assert.All(result.Verdict.Reasons, reason => Assert.StartsWith("unexpected: ", reason, StringComparison.Ordinal));
    }

    [Fact]
    public void Run_FindingThatIsKnown_IsAsExpectedAndNamesItsSource()
    {
        var result = Cases.Runner(isFixed: false).Run(Cases.With("clean", more: "known: [ { finding: use-after-free, source: R1 }, { finding: null-dereference, source: R2 }, { finding: warning, source: R3 } ]"));

        Assert.Equal(Outcome.AsExpected, result.Verdict.Outcome);
        Assert.Contains(result.Verdict.Findings, judged => judged is { Standing: Standing.Known, Source: "R1" });
    }

    [Fact]
    public void Run_ExpectationThatDoesNotShow_IsNotAsExpected() =>
        Assert.Equal(["expected, not seen: deadlock in foo"], Cases.Runner(isFixed: true).Run(Cases.With("[ { finding: deadlock, function: foo } ]")).Verdict.Reasons.ToArray());

    [Fact]
    public void Run_ExpectedAlwaysButSeenSometimes_IsNotAsExpected() =>
        Assert.Contains(
            Cases.Runner(isFixed: false).Run(Cases.With("[ { finding: use-after-free, when: always } ]")).Verdict.Reasons,
            reason => reason.StartsWith("expected in every schedule: use-after-free; seen in ", StringComparison.Ordinal));

    [Fact]
    public void Run_RacesRed_RacesSpoilTheVerdict()
    {
        var result = Cases.Runner(isFixed: false).Run(Cases.With(AllOfS, more: "races: red"));

        Assert.Equal(Outcome.NotAsExpected, result.Verdict.Outcome);
        Assert.Contains(result.Verdict.Reasons, reason => reason.Contains("data-race", StringComparison.Ordinal));
    }

    [Fact]
    public void Replay_TokenOfFinding_ShowsTheFinding()
    {
        var runner = Cases.Runner(isFixed: false);
        var only = Cases.With(AllOfS);
        foreach (var observed in runner.Run(only).Seen.All)
        {
            var reported = runner.Report(only, observed);
            var replayed = runner.Replay(only, ScenarioToken.Parse(reported.Token.ToString()));

            Assert.Null(replayed.Divergence);
            Assert.Contains(replayed.Sightings, seen => seen.Finding.Id == observed.Finding.Id);
        }
    }

    [Fact]
    public void Replay_TokenOfAnotherCase_IsRefused()
    {
        var runner = Cases.Runner(isFixed: false);
        var token = ScenarioToken.Of(Cases.With("clean", "{ max-steps: 17 }"), [Exploration.Replay.Schedule.Default]);

        var bad = Assert.Throws<ScenarioException>(() => runner.Replay(Cases.With("clean"), token));

        Assert.Contains("its digest is", bad.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Replay_ScheduleOfAnotherProgram_Diverges()
    {
        var only = Cases.With("clean");
        var token = ScenarioToken.Of(only, [new([new Exploration.Replay.Deviation(0, 40)])]);

        var replayed = Cases.Runner(isFixed: false).Replay(only, token);

        Assert.Equal(ScheduleEnd.Diverged, replayed.End);
        Assert.NotNull(replayed.Divergence);
    }

    [Fact]
    public void Run_PlanThatDoesNotFit_SaysWhere()
    {
        var runner = new CaseRunner(TimeProvider.System, _ => throw new BootPlanException("no driver 'foo'."));

        var bad = Assert.Throws<ScenarioException>(() => runner.Run(Cases.With("clean")));

        Assert.Equal("toy.yaml:5:3: case only: no driver 'foo'; mend the plan", bad.Message);
    }
}
