using IommuCluster.Kernel.Memory;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Running;
using IommuCluster.TestKit;

namespace IommuCluster.Scenarios.Tests.Support;

/// <summary>Cases that run a yardstick program instead of a boot.</summary>
internal static class Cases
{
    /// <summary>The toy scenario's case with other expectations.</summary>
    internal static ScenarioCase With(string expect, string explore = "{ schedules: 200 }", string more = "") => Texts.Read($"""
        title: a yardstick
        board: toy
        explore: {explore}
        cases:
          only:
            profile: linux-6.8
            expect: {expect}
            {more}
        """).Cases[0];

    internal static CaseRunner Runner(bool isFixed) => new(TimeProvider.System, _ => Race(isFixed));

    internal static Workload Race(bool isFixed) => Yardstick.S(isFixed);
}
