using IommuCluster.Exploration.Reduction;
using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Runs;
using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.Locking;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Reduction;

public sealed class MinimiserTests
{
    private static readonly Box s_box = Box.At(0);

    [Fact]
    public void Minimise_BugsOfM_NeedAtMostTwoPreemptions()
    {
        // A lost fwspec needs a third one: a search bounded to two shows every finding below but that.
        var runtime = new DeterministicRuntime(Yardstick.M(false), new RuntimeOptions { StateHashing = true });
        var reachable = Explore.With(new StateSearch(2), Yardstick.M(false), new RuntimeOptions { StateHashing = true, Checkers = false }).Findings;
        Assert.DoesNotContain(reachable.Values, finding => finding.Kind == FindingKind.Warning);
        foreach (var (seed, schedule, findings) in Failing(runtime, seeds: 20))
        {
            foreach (var finding in findings)
            {
                var minimised = Minimiser.Minimise(runtime, schedule, finding.Id);
                Assert.Equal(reachable.ContainsKey(finding.Id), finding.Kind != FindingKind.Warning);
                Assert.True(minimised.Preemptions <= (finding.Kind == FindingKind.Warning ? 3 : 2), $"seed {seed}, {finding.Message}: {minimised}");
                AssertShows(Yardstick.M(false), minimised, finding.Id);
            }
        }
    }

    [Fact]
    public void Minimise_WithoutStateKeys_StillShortensTheBugsOfM()
    {
        var runtime = new DeterministicRuntime(Yardstick.M(false));
        var (before, after) = (0, 0);
        foreach (var (_, schedule, findings) in Failing(runtime, seeds: 20))
        {
            before += Minimiser.Minimise(runtime, schedule, findings[0].Id, maxRuns: 1).Preemptions;
            var minimised = Minimiser.Minimise(runtime, schedule, findings[0].Id);
            after += minimised.Preemptions;
            AssertShows(Yardstick.M(false), minimised, findings[0].Id);
        }

        Assert.True(after * 5 < before, $"{before} -> {after}");
    }

    [Fact]
    public void Minimise_RacesOfM_NeedAtMostTwoPreemptions()
    {
        var runtime = new DeterministicRuntime(Yardstick.M(false));
        foreach (var (seed, schedule, _) in Failing(runtime, seeds: 5))
        {
            var (replayed, _) = Explore.Once(new ReplayStrategy(schedule), Yardstick.M(false));
            foreach (var race in replayed.Sightings.Where(sighting => sighting.Finding.IsRace))
            {
                var minimised = Minimiser.Minimise(runtime, schedule, race.Finding.Id);
                Assert.True(minimised.Preemptions <= 2, $"seed {seed}, {race.Finding.Message}: {minimised}");
                AssertShows(Yardstick.M(false), minimised, race.Finding.Id);
            }
        }
    }

    [Fact]
    public void Minimise_OneSwitchBetweenTwoLooks_IsTheOneThatDecides()
    {
        var program = Programs.Of(
            async t =>
            {
                if (await t.Load(Box.At(0).X) == 0)
                {
                    await t.ReadOnce(Box.At(0).Y);
                    t.WarnOn(await t.Load(Box.At(0).X) == 1, "changed between two looks");
                }
            },
            async t => await t.Store(Box.At(0).X, 1UL));
        var seen = Explorer.Run(program, new StateSearch(), new ExplorationOptions(), TimeProvider.System).Consequences.Single();

        var minimised = Minimiser.Minimise(new DeterministicRuntime(program, new RuntimeOptions { StateHashing = true }), seen.Schedules[0], seen.Finding.Id);

        // Thread 2 (T0) gives way to 3 (T1) after its first look or the step after it, and to nobody else before it ends.
        Assert.Equal(1, minimised.Preemptions);
        Assert.Contains(minimised.Decisive, at => at is { From: 2, Steps: 1 or 2, To: 3 });
    }

    [Fact]
    public void Minimise_Twice_IsTheSame()
    {
        var (_, schedule, findings) = Failing(new DeterministicRuntime(Yardstick.M(false)), seeds: 1).Single();
        MinimisedSchedule Run() => Minimiser.Minimise(new DeterministicRuntime(Yardstick.M(false)), schedule, findings[0].Id);
        var (one, two) = (Run(), Run());

        Assert.Equal(one with { Decisive = [] }, two with { Decisive = [] });
        Assert.Equal<ContextSwitch>(one.Decisive, two.Decisive);
        Assert.Equal(one.Schedule, Minimiser.Minimise(new DeterministicRuntime(Yardstick.M(false)), one.Schedule, findings[0].Id).Schedule);
    }

    [Fact]
    public void Minimise_BugsOfRandomPrograms_NeedNoMorePreemptionsThanTheSearchSays()
    {
        // The bounded search is the judge: with one preemption less than the minimiser found, the finding is not there.
        var (total, best) = (0, 0);
        for (var seed = 0UL; seed < 60; seed++)
        {
            var program = RandomPrograms.Of(seed);
            var (runtime, _) = Explore.Once(new RandomWalk(seed), program);
            foreach (var finding in runtime.Sightings.Select(sighting => sighting.Finding).Where(finding => !finding.IsRace).ToList())
            {
                var minimised = Minimiser.Minimise(new DeterministicRuntime(program), runtime.ToSchedule(), finding.Id);
                AssertShows(program, minimised, finding.Id);
                total++;
                best += minimised.Preemptions == 0
                    || !Explore.With(new StateSearch(minimised.Preemptions - 1), program, new RuntimeOptions { StateHashing = true }).Findings.ContainsKey(finding.Id) ? 1 : 0;
            }
        }

        Assert.True(best >= 0.95 * total, $"{best} of {total}");
    }

    [Fact]
    public void Minimise_ADeadlock_NeedsOnePreemption()
    {
        var program = Programs.Of(t => Nested(t, s_box.A, s_box.B), t => Nested(t, s_box.B, s_box.A), Noise, Noise);
        var (schedule, finding) = FirstWith(program, FindingKind.Deadlock);
        var minimised = Minimiser.Minimise(new DeterministicRuntime(program), schedule, finding.Id);

        Assert.Equal(1, minimised.Preemptions);
        AssertShows(program, minimised, finding.Id);
    }

    [Fact]
    public void Minimise_ALockOrder_NeedsNone()
    {
        // Seen before on the same runtime; the minimiser makes it forget.
        var program = Programs.Of(t => Nested(t, s_box.A, s_box.B), t => Nested(t, s_box.B, s_box.A), Noise);
        var runtime = new DeterministicRuntime(program);
        var (schedule, finding) = FirstWith(program, FindingKind.LockOrder);
        runtime.Run(new InTurn(), 0);
        var minimised = Minimiser.Minimise(runtime, schedule, finding.Id);

        Assert.Equal((0, string.Empty), (minimised.Preemptions, minimised.Schedule.Encode()));
    }

    [Fact]
    public void Minimise_WithOneRun_AnswersTheGivenSchedule()
    {
        var runtime = new DeterministicRuntime(Yardstick.M(false));
        var (_, schedule, findings) = Failing(runtime, seeds: 1).Single();
        var minimised = Minimiser.Minimise(runtime, schedule, findings[0].Id, maxRuns: 1);

        Assert.Equal((schedule.Encode(), 1), (minimised.Schedule.Encode(), minimised.Runs));
        Assert.True(minimised.Preemptions > 2 && minimised.ContextSwitches >= minimised.Preemptions, minimised.ToString());
    }

    [Fact]
    public void Minimise_WithFewRuns_StaysWithinThem()
    {
        var runtime = new DeterministicRuntime(Yardstick.M(false));
        var (_, schedule, findings) = Failing(runtime, seeds: 1).Single();
        var minimised = Minimiser.Minimise(runtime, schedule, findings[0].Id, maxRuns: 20);

        Assert.InRange(minimised.Runs, 1, 20);
        AssertShows(Yardstick.M(false), minimised, findings[0].Id);
    }

    [Fact]
    public void Minimise_OfAScheduleThatDoesNotShowIt_IsRefused()
    {
        var runtime = new DeterministicRuntime(Yardstick.M(true));

        Assert.Throws<ArgumentException>(() => Minimiser.Minimise(runtime, Schedule.Default, "null-00000000"));
        Assert.Throws<ArgumentException>(() => Minimiser.Minimise(runtime, new Schedule([new Deviation(0, 9)]), "null-00000000"));
    }

    private static IEnumerable<(int Seed, Schedule Schedule, List<Finding> Findings)> Failing(DeterministicRuntime runtime, int seeds)
    {
        for (var seed = 0; seeds > 0; seed++)
        {
            var strategy = new RandomWalk((ulong)seed);
            strategy.BeginSchedule(0);
            runtime.Run(strategy, 0);
            var findings = runtime.Sightings.Select(sighting => sighting.Finding).Where(finding => !finding.IsRace).ToList();
            if (findings.Count > 0)
            {
                seeds--;
                yield return (seed, runtime.ToSchedule(), findings);
            }
        }
    }

    private static (Schedule Schedule, Finding Finding) FirstWith(Workload program, FindingKind kind)
    {
        for (var seed = 0UL; ; seed++)
        {
            var (runtime, _) = Explore.Once(new RandomWalk(seed), program);
            if (runtime.Sightings.FirstOf(finding => finding.Kind == kind) is { } sighting)
            {
                return (runtime.ToSchedule(), sighting.Finding);
            }
        }
    }

    private static void AssertShows(Workload program, MinimisedSchedule minimised, string findingId)
    {
        var (runtime, _) = Explore.Once(new ReplayStrategy(Schedule.Decode(minimised.Schedule.Encode())!), program);
        Assert.Contains(runtime.Sightings, sighting => sighting.Finding.Id == findingId);
    }

    private static async Flow Nested(KernelThread t, Mutex outer, Mutex inner)
    {
        await t.Lock(outer);
        await t.Lock(inner);
        await t.Unlock(inner);
        await t.Unlock(outer);
    }

    private static async Flow Noise(KernelThread t)
    {
        for (var i = 0; i < 10; i++)
        {
            await t.AtomicAdd(s_box.Count, 1);
        }
    }
}
