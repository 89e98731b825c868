using System.Collections.Immutable;
using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.TestKit;

/// <summary>Small workloads over a few <see cref="Box"/>es that exist from boot.</summary>
public static class Programs
{
    /// <summary>Number of boxes that every program finds.</summary>
    public const int Boxes = 4;

    /// <summary>Threads T0, T1, ... that start together.</summary>
    public static Workload Of(params Func<KernelThread, Flow>[] bodies) =>
        Of([.. bodies.Select((body, i) => new ThreadStart($"T{i}", body))]);

    /// <summary>Named threads that start together.</summary>
    public static Workload Of(ImmutableArray<ThreadStart> threads) =>
        new("program", Architecture.Arm64, [new Stage("boot", [new ThreadStart("init", Boot)]), new Stage("race", threads)]);

    private static async Flow Boot(KernelThread t)
    {
        for (var i = 0; i < Boxes; i++)
        {
            await t.Allocate<Box>(Home.Soc);
        }
    }
}
