using IommuCluster.Kernel.Memory;

namespace IommuCluster.TestKit;

/// <summary>Small programs by seed: 2 or 3 threads that read, write, branch, lock, allocate, publish and free.</summary>
public static class RandomPrograms
{
    private static readonly Box s_box = Box.At(0);

    private enum Verb
    {
        Load,
        Store,
        Add,
        Exchange,
        IfZeroStore,
        LockPair,
        TryLock,
        Publish,
        ReadPublished,
        FreePublished,
        Complete,
        WaitFor,
        ReadSide,
        Spawn,
        Sleep,
    }

    /// <summary>The program of a seed; every schedule of it can be run.</summary>
    public static Workload Of(ulong seed)
    {
        var random = new SeededRandom(seed);
        var threads = 2 + random.Below(2);
        var bodies = new List<Func<KernelThread, ValueTask>>();
        for (var i = 0; i < threads; i++)
        {
            bodies.Add(Body(random, steps: threads == 2 ? 4 + random.Below(2) : 2 + random.Below(2)));
        }

        return Programs.Of([.. bodies]) with { Name = $"random program {seed}" };
    }

    private static Func<KernelThread, ValueTask> Body(SeededRandom random, int steps)
    {
        var verbs = new List<(Verb Verb, int Value, bool Marked)>();
        for (var cost = 0; cost < steps;)
        {
            var verb = (Verb)random.Below(15);
            verbs.Add((verb, random.Below(3), random.OneIn(2)));
            cost += verb is Verb.LockPair or Verb.TryLock or Verb.ReadSide or Verb.ReadPublished ? 2 : 1;
        }

        return async t =>
        {
            foreach (var (verb, value, marked) in verbs)
            {
                await Do(t, verb, value, marked ? Marking.Once : Marking.Plain);
            }
        };
    }

    private static async ValueTask Do(KernelThread t, Verb verb, int value, Marking marking)
    {
        var word = value == 0 ? s_box.Y : s_box.X;
        switch (verb)
        {
            case Verb.Load:
                t.WarnOn(await t.Load(word, marking) == 2, "two");
                break;
            case Verb.Store:
                await t.Store(word, (ulong)value, marking);
                break;
            case Verb.Add:
                t.WarnOn(await t.AtomicAdd(s_box.Count, 1) == 3, "three");
                break;
            case Verb.Exchange:
                await t.Exchange(s_box.X, (ulong)value);
                break;
            case Verb.IfZeroStore:
                if (await t.Load(s_box.X, marking) == 0)
                {
                    await t.Store(s_box.X, 1UL, marking);
                }

                break;
            case Verb.LockPair:
                await t.Lock(value == 0 ? s_box.A : s_box.B);
                await t.Lock(value == 0 ? s_box.B : s_box.A);
                await t.Unlock(s_box.A);
                await t.Unlock(s_box.B);
                break;
            case Verb.TryLock:
                if (await t.TryLock(s_box.A))
                {
                    await t.Store(s_box.Y, (ulong)t.Id, marking);
                    await t.Unlock(s_box.A);
                }

                break;
            case Verb.Publish:
                await t.Store(s_box.Next, await t.Allocate<Box>(new Home(HomeKind.Device, value), tail: value), Marking.Ordered);
                break;
            case Verb.ReadPublished:
                await t.Load((await t.Load(s_box.Next, marking)).X);
                break;
            case Verb.FreePublished:
                await t.Free(await t.Exchange(s_box.Next, default));
                break;
            case Verb.Complete:
                await t.Complete(s_box.Done);
                break;
            case Verb.WaitFor:
                await t.WaitFor(s_box.Done);
                break;
            case Verb.ReadSide:
                await t.DownRead(s_box.Sem);
                await t.Load(s_box.X);
                await t.UpRead(s_box.Sem);
                break;
            case Verb.Spawn:
                await t.Spawn(new ThreadStart($"child of {t.Start.Name}", async c => await c.Store(s_box.X, (ulong)value, marking)));
                break;
            case Verb.Sleep:
                await t.Sleep(TimeSpan.FromTicks(value));
                break;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }
}
