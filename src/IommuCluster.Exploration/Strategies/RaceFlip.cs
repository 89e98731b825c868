using System.Collections.Immutable;
using System.Numerics;
using IommuCluster.Exploration.Replay;
using IommuCluster.Exploration.Runtime;

namespace IommuCluster.Exploration.Strategies;

/// <summary>A racing pair, and how a schedule met it: who came first, so that another schedule can let the other one go first.</summary>
/// <param name="Schedule">The schedule.</param>
/// <param name="First">Id of the thread that came first.</param>
/// <param name="FirstSteps">Steps that it had taken before.</param>
/// <param name="Second">Id of the thread that came second.</param>
/// <param name="SecondSteps">Steps that it had taken before.</param>
public sealed record RaceHint(Schedule Schedule, int First, int FirstSteps, int Second, int SecondSteps)
{
    /// <summary>The pair of two steps of a trace.</summary>
    /// <param name="runtime">Has run the schedule.</param>
    /// <param name="first">Number of the earlier step.</param>
    /// <param name="second">Number of the later step.</param>
    /// <returns>The pair.</returns>
    internal static RaceHint Of(DeterministicRuntime runtime, int first, int second)
    {
        var trace = runtime.Trace;
        return new RaceHint(runtime.ToSchedule(), trace[first].Id, StepsBefore(trace, first), trace[second].Id, StepsBefore(trace, second));
    }

    private static int StepsBefore(Trace trace, int at)
    {
        var steps = 0;
        for (var step = 0; step < at; step++)
        {
            steps += trace[step].Id == trace[at].Id ? 1 : 0;
        }

        return steps;
    }
}

/// <summary>
/// Lets the second of two racing steps go first: follows a schedule that met the pair as far as the first step, holds that
/// thread back until the other one has done its step, and goes on by chance: at random, or without a switch. Where nobody
/// but the held thread can run, the order stays as it was. A schedule is a function of seed, number and hint.
/// </summary>
/// <param name="seed">Seed of the run.</param>
/// <param name="first">Number of the first schedule, which flips the first pair.</param>
/// <param name="hints">The pairs, one a schedule, in turn; at least one.</param>
public sealed class RaceFlip(ulong seed, long first, ImmutableArray<RaceHint> hints) : IStrategy
{
    private SplitMix64 _random = new(seed);
    private RaceHint _hint = hints[0];
    private ScheduleCursor _cursor = new(hints[0].Schedule);
    private bool _isFlipped;
    private bool _staysOn;

    /// <inheritdoc/>
    public string Name => StrategyCatalog.Flip;

    /// <inheritdoc/>
    public bool BeginSchedule(long number)
    {
        _hint = hints[(int)((number - first) % hints.Length)];
        _cursor = new ScheduleCursor(_hint.Schedule);
        _random = SplitMix64.OfSchedule(seed, number);
        _staysOn = _random.Below(2) == 0;
        _isFlipped = false;
        return true;
    }

    /// <inheritdoc/>
    public int Choose(in Choice choice)
    {
        if (!_isFlipped)
        {
            var (held, second) = (SlotOf(choice.Runtime, _hint.First), SlotOf(choice.Runtime, _hint.Second));
            var taken = held < 0 ? 0 : choice.Runtime.Thread(held).StepCount;
            if (held < 0 || taken < _hint.FirstSteps)
            {
                return _cursor.Choose(choice.Enabled, choice.Default) is >= 0 and var recorded ? recorded : Any(choice.Enabled);
            }

            var others = taken == _hint.FirstSteps ? choice.Enabled & ~(1UL << held) : 0;
            if (others != 0)
            {
                return second >= 0 && (others >> second & 1) != 0 ? LetFirst(choice, second) : Any(others);
            }

            _isFlipped = true; // Too late: it went on because nobody else could.
        }

        return _staysOn ? choice.Default : Any(choice.Enabled);
    }

    /// <inheritdoc/>
    public void EndSchedule(ScheduleEnd end)
    {
    }

    private int LetFirst(in Choice choice, int second)
    {
        _isFlipped = choice.Runtime.Thread(second).StepCount == _hint.SecondSteps;
        return second;
    }

    private static int SlotOf(DeterministicRuntime runtime, int id)
    {
        for (var slot = 0; slot < runtime.ThreadCount; slot++)
        {
            if (runtime.Thread(slot).Id == id)
            {
                return slot;
            }
        }

        return -1;
    }

    private int Any(ulong among)
    {
        for (var skip = _random.Below(BitOperations.PopCount(among)); skip > 0; skip--)
        {
            among &= among - 1;
        }

        return BitOperations.TrailingZeroCount(among);
    }
}
