using System.Numerics;

namespace IommuCluster.Benchmarks;

/// <summary>
/// Yardstick M as hand-written state machines with random scheduling: no checks, no call stacks, no trace, no allocation.
/// What a simulator could do at best; it takes the same steps as the program in the test kit.
/// </summary>
internal sealed class BareLoop(bool @fixed)
{
    private const int Devices = 4;
    private const int Instances = 2;
    private const int Threads = 2 * Instances;
    private const int Done = 100;

    private readonly int[] _iommu = new int[Devices];
    private readonly bool[] _group = new bool[Devices];
    private readonly bool[] _freed = new bool[64];
    private readonly int[] _fw = new int[64];
    private readonly int[] _pc = new int[Threads];
    private readonly int[] _device = new int[Threads];
    private readonly int[] _local = new int[Threads];
    private int _objects;
    private int _holder;
    private ulong _random;
    private bool _bug;
    private bool _lost;

    /// <summary>Runs schedules.</summary>
    /// <param name="schedules">How many.</param>
    /// <returns>What was done.</returns>
    public Work Run(int schedules)
    {
        var steps = 0L;
        for (var i = 0; i < schedules; i++)
        {
            steps += RunOne((ulong)i);
        }

        return new Work(schedules, steps);
    }

    /// <summary>Schedules among so many that meet the bug, for comparison with the real program.</summary>
    public double Odds(int schedules)
    {
        var bugs = 0;
        for (var i = 0; i < schedules; i++)
        {
            RunOne((ulong)i);
            bugs += _bug || _lost ? 1 : 0;
        }

        return (double)bugs / schedules;
    }

    private int RunOne(ulong seed)
    {
        Array.Clear(_iommu);
        Array.Clear(_group);
        Array.Clear(_local);
        _objects = 0;
        _holder = -1;
        _bug = false;
        _lost = false; // A lost fwspec is reported and the thread goes on, as in the program.
        _random = unchecked(seed * 0x2545f4914f6cdd1d);
        for (var thread = 0; thread < Threads; thread++)
        {
            _device[thread] = thread < Instances ? thread * (Devices / Instances) : 0;
            _pc[thread] = FirstStep(thread);
        }

        var steps = 0;
        for (var live = (1u << Threads) - 1; live != 0 && !_bug;)
        {
            var enabled = live;
            if (_holder >= 0)
            {
                for (var thread = 0; thread < Threads; thread++)
                {
                    enabled &= _pc[thread] is 0 or 9 or 20 ? ~(1u << thread) : uint.MaxValue;
                }
            }

            var chosen = Pick(enabled);
            Step(chosen);
            steps++;
            if (_pc[chosen] == Done)
            {
                live &= ~(1u << chosen);
            }
        }

        return steps;
    }

    private int Pick(uint enabled)
    {
        unchecked
        {
            var n = BitOperations.PopCount(enabled);
            var word = _random += 0x9e3779b97f4a7c15;
            word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
            word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
            for (var skip = (int)(((word >> 32) * (ulong)n) >> 32); skip > 0; skip--)
            {
                enabled &= enabled - 1;
            }

            return BitOperations.TrailingZeroCount(enabled);
        }
    }

    private int FirstStep(int thread) => thread >= Instances ? 20 : @fixed ? 0 : 1;

    private void Step(int t)
    {
        ref var pc = ref _pc[t];
        ref var local = ref _local[t];
        var d = _device[t];
        switch (pc)
        {
            // A: bind.
            case 0: _holder = t; pc = 1; break;
            case 1: local = _iommu[d]; pc = local == 0 ? 2 : 4; break;
            case 2: local = Make(); pc = 3; break;
            case 3: _iommu[d] = local; pc = 4; break;
            case 4: local = _iommu[d]; pc = 5; break;
            case 5: Touch(local); _fw[local] = t + 1; pc = 6; break;
            case 6: local = _iommu[d]; pc = 7; break;
            case 7: Touch(local); _lost |= !_bug && _fw[local] != t + 1; pc = 8; break;
            case 8: Touch(local); pc = @fixed ? 19 : 9; break;
            case 19: _holder = -1; pc = 9; break;
            case 9: _holder = t; pc = 10; break;
            case 10: pc = _group[d] ? 14 : 11; break;
            case 11: local = _iommu[d]; pc = 12; break;
            case 12: Touch(local); pc = 13; break;
            case 13: _group[d] = true; pc = 14; break;
            case 14: _holder = -1; Next(t, (t + 1) * (Devices / Instances)); break;

            // B: register.
            case 20: _holder = t; pc = 21; break;
            case 21: pc = _group[d] ? 29 : 22; break;
            case 22: local = _iommu[d]; pc = local == 0 ? 23 : 25; break;
            case 23: local = Make(); pc = 24; break;
            case 24: _iommu[d] = local; pc = 25; break;
            case 25: Touch(local); pc = _fw[local] == 0 ? 26 : _fw[local] == t - Instances + 1 ? 30 : 29; break;
            case 26: local = _iommu[d]; pc = 27; break;
            case 27: _iommu[d] = 0; pc = 28; break;
            case 28: _freed[local] = true; pc = 29; break;
            case 30: _group[d] = true; pc = 29; break;
            case 29: _holder = -1; Next(t, Devices); break;
        }
    }

    private int Make()
    {
        _objects++;
        _freed[_objects] = false;
        _fw[_objects] = 0;
        return _objects;
    }

    private void Touch(int thing) => _bug |= thing == 0 || _freed[thing];

    private void Next(int thread, int end) => _pc[thread] = ++_device[thread] < end ? FirstStep(thread) : Done;
}
