using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.DriverCore;

/// <summary>The one work item of deferred probing: queued at most once, run by one worker at a time.</summary>
internal static class WorkQueue
{
    /// <summary>Queues the work; starts a worker when none runs.</summary>
    /// <param name="t">The running thread.</param>
    /// <returns>Completes when the work is sure to run.</returns>
    [KernelSource("kernel/workqueue.c", "queue_work_on")]
    internal static async Flow QueueDeferredProbeWork(KernelThread t)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        await t.Lock(soc.WorkPoolLock);
        var start = false;
        if (!await t.Load(soc.WorkPending))
        {
            await t.Store(soc.WorkPending, true);
            if (!await t.Load(soc.WorkRunning))
            {
                await t.Store(soc.WorkRunning, true);
                start = true;
            }
        }

        await t.Unlock(soc.WorkPoolLock);
        if (start)
        {
            await t.Spawn(new ThreadStart("kworker/deferred_probe", WorkerThread));
        }
    }

    [KernelSource("kernel/workqueue.c", "process_one_work")]
    private static async Flow WorkerThread(KernelThread t)
    {
        using var frame = t.Call();
        var soc = Soc.Globals;
        await t.Lock(soc.WorkPoolLock);
        while (await t.Load(soc.WorkPending))
        {
            await t.Store(soc.WorkPending, false);
            await t.Unlock(soc.WorkPoolLock);
            await DriverBinding.DeferredProbeWorkFunc(t);
            await t.Lock(soc.WorkPoolLock);
        }

        await t.Store(soc.WorkRunning, false);
        await t.Unlock(soc.WorkPoolLock);
    }
}
