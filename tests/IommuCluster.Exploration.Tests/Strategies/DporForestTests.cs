using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Strategies;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Strategies;

public sealed class DporForestTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public void Forest_OfRandomPrograms_ReachesWhatBruteForceReaches(int from)
    {
        var compared = 0;
        for (var seed = (ulong)from; seed < (ulong)from + 100; seed++)
        {
            foreach (var program in new[] { RandomPrograms.Of(seed), RandomPrograms.Wide(seed), RandomPrograms.Locked(seed) })
            {
                var all = Explore.With(new EveryInterleaving(), program, limit: 2_000);
                if (all.IsComplete)
                {
                    compared++;
                    var (states, consequences, _) = Searched(program, new SeededRandom(seed));
                    Assert.True(all.StatesAtRest.SetEquals(states), program.Name);
                    Assert.True(all.Consequences.ToHashSet().SetEquals(consequences), program.Name);
                }
            }
        }

        Assert.InRange(compared, 150, 300);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Forest_OfSmallFixedM_RunsEachOrderOfItsLockOnce(ulong seed) =>
        Assert.Equal(2_520, Searched(Yardstick.SmallM(true), new SeededRandom(seed)).Executions);

    /// <summary>Searches in rounds of as many subtrees as there are, a few schedules each, all of them written and read in between.</summary>
    private static (HashSet<(ScheduleEnd End, StateHash Memory)> States, HashSet<string> Consequences, long Executions) Searched(Workload program, SeededRandom random)
    {
        var runtime = new DeterministicRuntime(program);
        var consequences = runtime.BootSightings.Select(sighting => sighting.Finding).Where(finding => !finding.IsRace).Select(finding => finding.Id).ToHashSet();
        var states = new HashSet<(ScheduleEnd End, StateHash Memory)>();
        var forest = new DporForest();
        var executions = 0L;
        while (forest.Count > 0)
        {
            for (int i = 0, count = forest.Count; i < count; i++)
            {
                var subtree = SearchTree.Read(forest.Give(i), DporSubtree.Load);
                var search = new SourceDpor(subtree);
                for (var left = 1 + random.Below(3); left > 0 && search.BeginSchedule(0); left--)
                {
                    var end = runtime.Run(search, 0);
                    search.EndSchedule(end);
                    consequences.UnionWith(runtime.Sightings.Where(sighting => !sighting.Finding.IsRace).Select(sighting => sighting.Finding.Id));
                    if (end is not (ScheduleEnd.Abandoned or ScheduleEnd.Oopsed))
                    {
                        states.Add((end, runtime.Bank.Fingerprint()));
                    }
                }

                executions += search.Executions;
                forest.Take(i, SearchTree.Write(subtree.Save));
            }

            forest.EndRound(enough: 1 + random.Below(6));
            forest = new DporForest(forest.Save());
        }

        return (states, consequences, executions);
    }
}
