using System.Reflection;
using System.Runtime.CompilerServices;

namespace IommuCluster.Kernel.Memory;

/// <summary>
/// What a thread remembers, as a hash: for each function that it is in, what that one has observed so far. A function's
/// locals follow from what it observed, and it tells its caller nothing but its answer; so when it returns, the answer
/// takes the place of all that it saw. Functions are those that <see cref="KernelThread.Call"/> names; what happens in
/// others is part of the one around them.
/// </summary>
/// <param name="depth">The most functions that the thread can be in.</param>
internal sealed class Recollection(int depth)
{
    private const ulong Answered = 0xff;
    private const ulong Unknown = 0xfe;

    [ThreadStatic]
    private static Recollection? t_running;

    private readonly Level[] _levels = new Level[depth + 1];
    private int _depth;
    private bool _hasLeft;

    /// <summary>That of the simulated thread that the calling thread runs; null when nobody wants to know it.</summary>
    public static Recollection? Running
    {
        get => t_running;
        set => t_running = value;
    }

    /// <summary>All that is remembered.</summary>
    public StateHash Hash => _levels[_depth].Below.Plus(_levels[_depth].Own(_depth));

    /// <summary>Begins a thread.</summary>
    /// <param name="inherited">What it knows from the start.</param>
    public void Begin(StateHash inherited)
    {
        _depth = 0;
        _hasLeft = false;
        _levels[0] = new Level { Below = inherited };
    }

    /// <summary>Notes what a step answered.</summary>
    /// <param name="kind">The step.</param>
    /// <param name="answer">Its answer.</param>
    public void Observe(StepKind kind, ulong answer) => _levels[_depth].Add((ulong)kind, answer);

    /// <summary>Notes that a function is entered.</summary>
    public void Enter()
    {
        Settle();
        var below = Hash;
        _levels[++_depth] = new Level { Below = below };
    }

    /// <summary>Notes that a function is left; its answer comes next.</summary>
    public void Leave()
    {
        Settle();
        _depth--;
        _hasLeft = true;
    }

    /// <summary>Notes what a flow answers: when it is the function just left, nothing else of it is remembered.</summary>
    /// <typeparam name="T">The answer's type; where it is more than a word, all that the function saw is remembered.</typeparam>
    /// <param name="answer">The answer.</param>
    public void Return<T>(T answer)
    {
        if (_hasLeft && Answer<T>.IsOneWord)
        {
            _hasLeft = false;
            _levels[_depth].Add(Answered, Answer<T>.WordOf(answer));
        }
    }

    /// <summary>Notes that the thread goes on: a function that was left without an answer goes on, too, with all that it saw.</summary>
    public void Settle()
    {
        if (_hasLeft)
        {
            _hasLeft = false;
            var (low, high) = _levels[_depth + 1].Own(_depth + 1);
            _levels[_depth].Add(Unknown, low);
            _levels[_depth].Add(Unknown, high);
        }
    }

    /// <summary>What one function has observed.</summary>
    private struct Level
    {
        /// <summary>What those around it have.</summary>
        public StateHash Below;

        private StateHash _seen;
        private ulong _count;

        public void Add(ulong kind, ulong value) => _seen = _seen.Plus(StateHash.Of((++_count << 8) | kind, value));

        public readonly StateHash Own(int depth)
        {
            var place = ((ulong)depth << 48) | _count;
            return StateHash.Of(place, _seen.Low).Plus(StateHash.Of(~place, _seen.High));
        }
    }

    /// <summary>Answers of a type.</summary>
    private static class Answer<T>
    {
        /// <summary>True when the type is one word at most, without gaps.</summary>
        public static readonly bool IsOneWord = Fits(typeof(T));

        public static ulong WordOf(T answer) => Unsafe.SizeOf<T>() switch
        {
            8 => Unsafe.As<T, ulong>(ref answer),
            4 => Unsafe.As<T, uint>(ref answer),
            2 => Unsafe.As<T, ushort>(ref answer),
            _ => typeof(T) == typeof(Nothing) ? 0UL : Unsafe.As<T, byte>(ref answer),
        };

        private static bool Fits(Type type) =>
            type.IsPrimitive || type.IsEnum || type == typeof(Nothing)
            || (type.IsValueType && type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic) is [var only] && Fits(only.FieldType));
    }
}
