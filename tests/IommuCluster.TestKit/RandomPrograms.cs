using IommuCluster.Kernel.Memory;

namespace IommuCluster.TestKit;

/// <summary>Small programs by seed: threads that read, write, branch, lock, wait, allocate, publish, free and spawn.</summary>
public static class RandomPrograms
{
    private static readonly Box s_box = Box.At(0);
    private static readonly Box s_other = Box.At(1);

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
        Semaphore,
        WriteSide,
        Read,
        WaitForWord,
        WakeUp,
        RcuRead,
        RcuSynchronize,
        CompareExchange,
        Own,
        Nested,
        StrangersUnlock,
    }

    private const int FirstVerbs = (int)Verb.Sleep + 1;

    private const int AllVerbs = (int)Verb.StrangersUnlock + 1;

    /// <summary>The program of a seed, of 2 or 3 threads and the first verbs only; every schedule of it can be run.</summary>
    public static Workload Of(ulong seed)
    {
        var random = new SeededRandom(seed);
        var threads = 2 + random.Below(2);
        var bodies = new List<Func<KernelThread, Flow>>();
        for (var i = 0; i < threads; i++)
        {
            bodies.Add(Body(random, FirstVerbs, steps: threads == 2 ? 4 + random.Below(2) : 2 + random.Below(2)));
        }

        return Programs.Of([.. bodies]) with { Name = $"random program {seed}" };
    }

    /// <summary>The program of a seed, of 2 to 4 threads and all verbs; most can be run in all schedules.</summary>
    public static Workload Wide(ulong seed)
    {
        var random = new SeededRandom(~seed);
        var threads = 2 + random.Below(3);
        var bodies = new List<Func<KernelThread, Flow>>();
        for (var i = 0; i < threads; i++)
        {
            bodies.Add(Body(random, AllVerbs, steps: (threads switch { 2 => 4, 3 => 3, _ => 1 }) + random.Below(2)));
        }

        return Programs.Of([.. bodies]) with { Name = $"wide random program {seed}" };
    }

    /// <summary>
    /// The program of a seed, of 2 or 3 threads that touch words in critical sections, mostly each word under its own lock:
    /// some sections nest, try, free what another one published, or touch what they should not.
    /// </summary>
    public static Workload Locked(ulong seed)
    {
        var random = new SeededRandom(seed ^ 0x10c);
        var threads = 2 + random.Below(2);
        var bodies = new List<Func<KernelThread, Flow>>();
        for (var i = 0; i < threads; i++)
        {
            var sections = new List<(Section Section, int Value)>();
            for (var count = threads == 2 ? 2 + random.Below(2) : 1 + random.Below(2); count > 0; count--)
            {
                sections.Add(((Section)random.Below((int)Section.Bare + 1), random.Below(4)));
            }

            bodies.Add(async t =>
            {
                foreach (var (section, value) in sections)
                {
                    await Do(t, section, value);
                }
            });
        }

        return Programs.Of([.. bodies]) with { Name = $"locked random program {seed}" };
    }

    /// <summary>
    /// The program of a seed, of 2 or 3 threads that call functions, which call functions: most of what those see is lost
    /// when they return, and what they answer decides what their caller does.
    /// </summary>
    public static Workload Calling(ulong seed)
    {
        var random = new SeededRandom(seed ^ 0xca11);
        var threads = 2 + random.Below(2);
        var bodies = new List<Func<KernelThread, Flow>>();
        for (var i = 0; i < threads; i++)
        {
            var calls = new List<(Function Function, int Value)>();
            for (var cost = 0; cost < (threads == 2 ? 4 : 1);)
            {
                var function = (Function)random.Below((int)Function.Bump + 1);
                calls.Add((function, random.Below(3)));
                cost += function switch { Function.Take => 4, Function.Make or Function.Later => 3, Function.Bump => 1, _ => 2 };
            }

            bodies.Add(async t =>
            {
                var sum = 0UL;
                foreach (var (function, value) in calls)
                {
                    sum = (sum + await Call(t, function, value)) % 4;
                }

                t.WarnOn(sum == 3, "three");
                await t.Store(s_other.Y, sum);
            });
        }

        return Programs.Of([.. bodies]) with { Name = $"calling random program {seed}" };
    }

    /// <summary>Functions; the answer of most is less than what they saw.</summary>
    private enum Function
    {
        Twice,
        Pair,
        Choose,
        Take,
        Make,
        Later,
        Bump,
    }

    private static async Flow<ulong> Call(KernelThread t, Function function, int value)
    {
        using var frame = t.Call(function.ToString());
        var word = value == 0 ? s_box.Y : s_box.X;
        switch (function)
        {
            case Function.Twice:
                return await Look(t, s_box.X) == await Look(t, s_box.Y) ? 1UL : 0;
            case Function.Pair:
                var (one, other) = await LookAtBoth(t);
                return one > other ? 1UL : 0;
            case Function.Choose:
                await (await Look(t, word) == 0 ? t.Store(word, 1UL) : t.Store(s_box.X, 2UL, Marking.Once));
                return 0;
            case Function.Take:
                if (await IsTaken(t))
                {
                    await t.Store(word, await Look(t, word) + 1);
                    await t.Unlock(s_box.A); // Taken in a function that has returned.
                    return 1;
                }

                return 0;
            case Function.Make:
                var made = await t.Allocate<Box>(Home.Soc);
                await t.Store(made.X, (ulong)value);
                await t.Store(s_box.Next, made, Marking.Ordered);
                return 0;
            case Function.Later:
                var before = await t.Load(s_box.X, Marking.Once);
                await Nothing(t);
                await t.Store(s_box.Y, before, Marking.Once);
                return 0;
            case Function.Bump:
                return (ulong)await t.AtomicAdd(s_box.Count, 1) & 1;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private static async Flow<ulong> Look(KernelThread t, Field<ulong> word)
    {
        using var frame = t.Call();
        return await t.Load(word, Marking.Once) & 1;
    }

    private static async Flow<(ulong One, ulong Other)> LookAtBoth(KernelThread t)
    {
        using var frame = t.Call();
        return (await t.Load(s_box.X), await t.Load(s_box.Y));
    }

    private static async Flow<bool> IsTaken(KernelThread t)
    {
        using var frame = t.Call();
        return await t.TryLock(s_box.A);
    }

    private static async Flow Nothing(KernelThread t)
    {
        using var frame = t.Call();
        await t.AtomicAdd(s_box.Count, 0, Marking.Once);
    }

    /// <summary>Critical sections; those named first are as they should be.</summary>
    private enum Section
    {
        Add,
        Look,
        Publish,
        FreePublished,
        Two,
        Other,
        Nested,
        Try,
        Bare,
    }

    private static async Flow Do(KernelThread t, Section section, int value)
    {
        var word = value == 0 ? s_box.Y : s_box.X;
        switch (section)
        {
            case Section.Add:
                await t.Lock(s_box.A);
                await t.Store(word, await t.Load(word) + 1);
                await t.Unlock(s_box.A);
                break;
            case Section.Look:
                await t.Lock(s_box.A);
                t.WarnOn(await t.Load(word) == 2, "two");
                await t.Unlock(s_box.A);
                break;
            case Section.Publish:
                await t.Lock(s_box.A);
                await t.Store(s_box.Next, await t.Allocate<Box>(Home.Soc));
                await t.Unlock(s_box.A);
                break;
            case Section.FreePublished:
                await t.Lock(s_box.A);
                if (await t.Load(s_box.Next) is { IsNull: false } next)
                {
                    await t.Store(s_box.Next, default);
                    await t.Free(next);
                }

                await t.Unlock(s_box.A);
                break;
            case Section.Two:
                await t.Lock(s_box.A);
                await t.Store(s_box.X, (ulong)t.Id);
                await t.Store(s_box.Y, (ulong)t.Id);
                await t.Unlock(s_box.A);
                break;
            case Section.Other:
                await t.Lock(s_box.B);
                await t.Store(value == 0 ? s_other.Y : s_other.X, (ulong)t.Id);
                await t.Unlock(s_box.B);
                break;
            case Section.Nested:
                await t.Lock(value < 3 ? s_box.A : s_box.B);
                await t.Lock(value < 3 ? s_box.B : s_box.A);
                await t.Store(s_other.X, (ulong)t.Id);
                await t.Unlock(s_box.B);
                await t.Unlock(s_box.A);
                break;
            case Section.Try:
                if (await t.TryLock(s_box.A))
                {
                    await t.Store(word, (ulong)t.Id);
                    await t.Unlock(s_box.A);
                }

                break;
            case Section.Bare:
                await t.Store(value == 0 ? s_box.X : s_other.Y, (ulong)t.Id);
                break;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private static Func<KernelThread, Flow> Body(SeededRandom random, int kinds, int steps)
    {
        var verbs = new List<(Verb Verb, int Value, bool Marked)>();
        for (var cost = 0; cost < steps;)
        {
            var verb = (Verb)random.Below(kinds);
            verbs.Add((verb, random.Below(3), random.OneIn(2)));
            cost += verb is Verb.LockPair or Verb.TryLock or Verb.ReadSide or Verb.ReadPublished or >= Verb.Semaphore and <= Verb.WaitForWord or Verb.RcuRead or Verb.Nested ? 2 : 1;
        }

        return async t =>
        {
            foreach (var (verb, value, marked) in verbs)
            {
                await Do(t, verb, value, marked ? Marking.Once : Marking.Plain);
            }
        };
    }

    private static async Flow Do(KernelThread t, Verb verb, int value, Marking marking)
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
            case Verb.Semaphore:
                await t.WaitFor(s_other.Done);
                await t.Store(s_box.X, (ulong)t.Id, marking);
                await t.Complete(s_other.Done);
                break;
            case Verb.WriteSide:
                await t.DownWrite(s_box.Sem);
                await t.Store(s_box.X, (ulong)value);
                await t.UpWrite(s_box.Sem);
                break;
            case Verb.Read:
                await t.DownRead(s_box.Sem);
                await t.Complete(s_other.Done);
                await t.UpRead(s_box.Sem);
                break;
            case Verb.WaitForWord:
                var ticket = await t.PrepareToWait(s_box.Queue);
                if (await t.ReadOnce(s_box.Y) == 0)
                {
                    await t.WaitEvent(s_box.Queue, ticket);
                }

                break;
            case Verb.WakeUp:
                await t.WriteOnce(s_box.Y, 1UL);
                await t.WakeUp(s_box.Queue);
                break;
            case Verb.RcuRead:
                await t.RcuReadLock();
                await t.Load(word, marking);
                await t.RcuReadUnlock();
                break;
            case Verb.RcuSynchronize:
                await t.SynchronizeRcu();
                await t.Store(word, 2UL, marking);
                break;
            case Verb.CompareExchange:
                await t.CompareExchange(word, 0UL, (ulong)t.Id);
                break;
            case Verb.Own:
                var own = await t.Allocate<Box>(Home.Soc);
                await t.Store(own.X, (ulong)value);
                await t.Lock(own.A);
                await t.Unlock(own.A);
                t.WarnOn(await t.Load(own.X) != (ulong)value, "somebody else's");
                await (value == 0 ? t.Free(own) : t.Store(s_box.Next, own, marking));
                break;
            case Verb.Nested:
                await t.Lock(value == 0 ? s_box.C : s_other.C);
                await t.Store(word, await t.Load(word) + 1);
                await t.Unlock(value == 0 ? s_box.C : s_other.C);
                break;
            case Verb.StrangersUnlock:
                await t.Unlock(value == 0 ? s_box.A : s_box.C);
                break;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }
}
