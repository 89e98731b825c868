using IommuCluster.Kernel.Locking;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Kernel.Tests.Memory;

public sealed class MemoryBankTests
{
    private readonly Layout _layout = new("thing");
    private readonly FieldDescriptor _first;
    private readonly FieldDescriptor _second;
    private readonly FieldDescriptor _lock;
    private readonly FieldDescriptor _tail;

    public MemoryBankTests()
    {
        _first = _layout.Word("first", 0, 0);
        _second = _layout.Word("second", 4, 8);
        _lock = _layout.Lock("lock", 8, 16, new LockClass("&thing->lock", LockKind.RwSem));
        _tail = _layout.Tail("ids", 12, 24);
    }

    [Fact]
    public void Allocate_NewObject_IsZeroed()
    {
        var driver = new BankDriver();
        var thing = driver.Allocate(_layout, tail: 2);

        Assert.Equal(0UL, driver.Load(thing, _first).Value);
        Assert.Equal(0UL, driver.Load(thing, _tail, index: 1).Value);
        Assert.Equal(0UL, driver.Bank.Peek(thing, 4));
        Assert.Null(driver.Bank.Peek(thing, 5));
    }

    [Fact]
    public void Allocate_AfterReset_IsZeroedAgain()
    {
        var driver = new BankDriver();
        var thing = driver.Allocate(_layout);
        driver.Store(thing, _first, 5);
        driver.Bank.Reset();
        driver.Allocate(thing, _layout);

        Assert.Equal(0UL, driver.Load(thing, _first).Value);
    }

    [Fact]
    public void Allocate_AddressInUse_IsOurOwnFault()
    {
        var driver = new BankDriver();
        var thing = driver.Allocate(_layout);

        Assert.Throws<InvalidOperationException>(() => driver.Allocate(thing, _layout));
    }

    [Fact]
    public void Store_ThenLoad_AnswersTheWord()
    {
        var driver = new BankDriver();
        var thing = driver.Allocate(_layout, tail: 3);
        driver.Store(thing, _second, 17);
        driver.Store(thing, _tail, 18, index: 2);

        Assert.Equal(17UL, driver.Load(thing, _second).Value);
        Assert.Equal(18UL, driver.Load(thing, _tail, index: 2).Value);
        Assert.Equal(0UL, driver.Load(thing, _first).Value);
    }

    [Fact]
    public void Load_ThroughInteriorPointer_FindsTheWord()
    {
        var driver = new BankDriver();
        var thing = driver.Allocate(_layout);
        driver.Store(thing, _second, 17);

        Assert.Equal(17UL, driver.Load(thing.Plus(1), _first).Value);
    }

    [Fact]
    public void ReadModifyWrite_AnswersWhatItsKindPromises()
    {
        var driver = new BankDriver();
        var thing = driver.Allocate(_layout);

        Assert.Equal(3UL, driver.Step(StepKind.Add, thing, _first, 3).Value);
        Assert.Equal(2UL, driver.Step(StepKind.Add, thing, _first, unchecked((ulong)-1L)).Value);
        Assert.Equal(2UL, driver.Step(StepKind.Exchange, thing, _first, 9).Value);
        Assert.Equal(9UL, driver.Step(StepKind.CompareExchange, thing, _first, 10, expected: 1).Value);
        Assert.Equal(9UL, driver.Step(StepKind.CompareExchange, thing, _first, 10, expected: 9).Value);
        Assert.Equal(10UL, driver.Load(thing, _first).Value);
    }

    [Theory]
    [InlineData(StepKind.Load)]
    [InlineData(StepKind.Store)]
    [InlineData(StepKind.Add)]
    [InlineData(StepKind.Exchange)]
    [InlineData(StepKind.CompareExchange)]
    [InlineData(StepKind.Lock)]
    [InlineData(StepKind.Unlock)]
    public void Access_OfFreedObject_IsUseAfterFreeAndReadsPoison(StepKind kind)
    {
        var driver = new BankDriver();
        var thing = driver.Allocate(_layout);
        driver.Free(thing);
        var result = driver.Step(kind, thing, _first);

        Assert.Equal(FaultKind.UseAfterFree, result.Fault);
        Assert.Equal(Address.Poison, result.Value);
        Assert.Null(driver.Bank.Peek(thing, 0));
    }

    [Fact]
    public void Free_Twice_IsDoubleFree()
    {
        var driver = new BankDriver();
        var thing = driver.Allocate(_layout);

        Assert.Equal(FaultKind.None, driver.Free(thing).Fault);
        Assert.Equal(FaultKind.DoubleFree, driver.Free(thing).Fault);
    }

    [Fact]
    public void Free_OfNull_IsLegal() => Assert.Equal(FaultKind.None, new BankDriver().Free(Address.Null).Fault);

    [Fact]
    public void Free_OfObjectWithoutWords_IsLegal()
    {
        var driver = new BankDriver();
        var empty = driver.Allocate(new Layout("empty"));

        Assert.Equal(FaultKind.None, driver.Free(empty).Fault);
        Assert.Equal(FaultKind.DoubleFree, driver.Free(empty).Fault);
    }

    [Fact]
    public void Free_InsideAnObject_IsAWildPointerAndFreesNothing()
    {
        var driver = new BankDriver();
        var thing = driver.Allocate(_layout);

        Assert.Equal(FaultKind.WildPointer, driver.Free(thing.Plus(1)).Fault);
        Assert.Equal(FaultKind.None, driver.Load(thing, _first).Fault);
    }

    [Fact]
    public void Access_ThroughNull_IsNullDereference()
    {
        var driver = new BankDriver();

        Assert.Equal(FaultKind.NullDereference, driver.Load(Address.Null, _second).Fault);
        Assert.Equal(FaultKind.NullDereference, driver.Store(Address.Null.Plus(2), _second, 1).Fault);
    }

    [Theory]
    [InlineData(0x6b6b6b6b6b6b6b6b)]
    [InlineData(0xdead000000000100)]
    [InlineData(0xffffffffffffffed)]
    [InlineData(0x0000000000002000)]
    public void Access_ThroughWhatNeverWasAnAddress_IsWild(ulong value) =>
        Assert.Equal(FaultKind.WildPointer, new BankDriver().Load(new Address(value), _first).Fault);

    [Fact]
    public void Access_PastTheEnd_IsOutOfBoundsAndNamesNoWord()
    {
        var driver = new BankDriver();
        var thing = driver.Allocate(_layout, tail: 2);
        driver.Allocate(_layout);
        var result = driver.Load(thing, _tail, index: 2);

        Assert.Equal(FaultKind.OutOfBounds, result.Fault);
        Assert.Equal(-1, result.Slot);
        Assert.Equal(FaultKind.OutOfBounds, driver.Load(thing, _tail, index: -4).Fault);
    }

    [Fact]
    public void Lock_Held_CannotProceedUntilUnlocked()
    {
        var driver = new BankDriver();
        var thing = driver.Allocate(_layout);
        driver.Step(StepKind.Lock, thing, _lock, by: 1);

        Assert.False(driver.CanProceed(StepKind.Lock, thing, _lock));
        Assert.False(driver.CanProceed(StepKind.ReadLock, thing, _lock));
        Assert.Equal(0UL, driver.Step(StepKind.TryLock, thing, _lock, by: 2).Value);
        driver.Step(StepKind.Unlock, thing, _lock, by: 1);
        Assert.True(driver.CanProceed(StepKind.Lock, thing, _lock));
        Assert.Equal(1UL, driver.Step(StepKind.TryLock, thing, _lock, by: 2).Value);
        Assert.False(driver.CanProceed(StepKind.Lock, thing, _lock));
    }

    [Fact]
    public void ReadLock_ManyReaders_ShutOutWritersUntilTheLastLeaves()
    {
        var driver = new BankDriver();
        var thing = driver.Allocate(_layout);
        driver.Step(StepKind.ReadLock, thing, _lock, by: 1);
        driver.Step(StepKind.ReadLock, thing, _lock, by: 2);

        Assert.True(driver.CanProceed(StepKind.ReadLock, thing, _lock));
        Assert.False(driver.CanProceed(StepKind.Lock, thing, _lock));
        Assert.Equal(0UL, driver.Step(StepKind.TryLock, thing, _lock).Value);
        driver.Step(StepKind.ReadUnlock, thing, _lock, by: 1);
        Assert.False(driver.CanProceed(StepKind.Lock, thing, _lock));
        driver.Step(StepKind.ReadUnlock, thing, _lock, by: 2);
        Assert.True(driver.CanProceed(StepKind.Lock, thing, _lock));
    }

    [Fact]
    public void CanProceed_StepThatWouldFault_GoesThrough()
    {
        var driver = new BankDriver();
        var thing = driver.Allocate(_layout);
        driver.Step(StepKind.Lock, thing, _lock);
        driver.Free(thing);

        Assert.True(driver.CanProceed(StepKind.Lock, thing, _lock));
        Assert.True(driver.CanProceed(StepKind.WaitForCompletion, Address.Null, _lock));
    }

    [Fact]
    public void Reset_GoesBackToTheSnapshot()
    {
        var driver = new BankDriver(hashing: true);
        var old = driver.Allocate(_layout, tail: 1);
        var victim = driver.Allocate(_layout);
        driver.Store(old, _first, 1);
        driver.Store(victim, _second, 2);
        driver.Bank.TakeSnapshot();
        var (hash, fingerprint, words, objects) = (driver.Bank.Hash, driver.Bank.Fingerprint(), driver.Bank.WordCount, driver.Bank.ObjectCount);

        for (var round = 0; round < 3; round++)
        {
            driver.Store(old, _first, 5);
            driver.Store(old, _first, 6);
            driver.Store(old, _tail, 7);
            driver.Store(victim, _second, 8);
            driver.Free(victim);
            var young = driver.Allocate(_layout);
            driver.Store(young, _first, 9);
            driver.Free(young);
            Assert.NotEqual(hash, driver.Bank.Hash);

            driver.Bank.Reset();

            Assert.Equal((hash, fingerprint, words, objects), (driver.Bank.Hash, driver.Bank.Fingerprint(), driver.Bank.WordCount, driver.Bank.ObjectCount));
            Assert.Equal(1UL, driver.Load(old, _first).Value);
            Assert.Equal(0UL, driver.Load(old, _tail).Value);
            Assert.Equal(2UL, driver.Load(victim, _second).Value);
            Assert.Equal(FaultKind.WildPointer, driver.Load(young, _first).Fault);
            Assert.Null(driver.Bank.LayoutOf(young));
        }
    }

    [Fact]
    public void Reset_AfterTheIndexGrew_FindsOldObjectsAndNoNewOnes()
    {
        var driver = new BankDriver();
        var old = Enumerable.Range(0, 100).Select(_ => driver.Allocate(_layout)).ToList();
        driver.Bank.TakeSnapshot();
        for (var round = 0; round < 3; round++)
        {
            var young = Enumerable.Range(0, 1000).Select(_ => driver.Allocate(_layout)).ToList();
            Assert.All(old.Concat(young), thing => Assert.Equal(FaultKind.None, driver.Load(thing, _first).Fault));
            driver.Bank.Reset();
            Assert.All(old, thing => Assert.Equal(FaultKind.None, driver.Load(thing, _first).Fault));
            Assert.All(young, thing => Assert.Equal(FaultKind.WildPointer, driver.Load(thing, _first).Fault));
        }
    }

    [Fact]
    public void Hash_EqualsTheFingerprintAfterEveryStep()
    {
        var driver = new BankDriver(hashing: true);
        var random = new SeededRandom(1);
        var things = new List<Address>();
        for (var step = 0; step < 2000; step++)
        {
            var any = things.Count > 0 ? things[random.Below(things.Count)] : Address.Null;
            switch (random.Below(8))
            {
                case 0:
                    things.Add(driver.Allocate(_layout, tail: random.Below(3)));
                    break;
                case 1:
                    driver.Free(any);
                    break;
                default:
                    driver.Step((StepKind)random.Below(5), any, random.Below(2) == 0 ? _first : _second, (ulong)random.Below(3), expected: (ulong)random.Below(3));
                    break;
            }

            Assert.Equal(driver.Bank.Fingerprint(), driver.Bank.Hash);
        }
    }

    [Fact]
    public void Hash_DoesNotDependOnTheOrderOfAllocation()
    {
        var one = Address.Create(Home.Soc, 1, 0);
        var two = Address.Create(Home.Soc, 2, 0);
        StateHash HashOf(params Address[] order)
        {
            var driver = new BankDriver(hashing: true);
            foreach (var at in order)
            {
                driver.Allocate(at, _layout);
                driver.Store(at, _first, at.Value >> 32);
            }

            Assert.Equal(driver.Bank.Fingerprint(), driver.Bank.Hash);
            return driver.Bank.Hash;
        }

        Assert.Equal(HashOf(one, two), HashOf(two, one));
        Assert.NotEqual(HashOf(one, two), HashOf(one));
    }

    [Fact]
    public void Hash_TellsAFreedObjectFromNoneAndFromAZeroedOne()
    {
        var at = Address.Create(Home.Soc, 1, 0);
        var none = new BankDriver(hashing: true);
        var zeroed = new BankDriver(hashing: true);
        zeroed.Allocate(at, _layout);
        var freed = new BankDriver(hashing: true);
        freed.Allocate(at, _layout);
        freed.Free(at);

        Assert.Equal(3, new[] { none.Bank.Hash, zeroed.Bank.Hash, freed.Bank.Hash }.Distinct().Count());
    }

    [Fact]
    public void Hash_TellsObjectsOfDifferentTypeOrSizeApart()
    {
        var at = Address.Create(Home.Soc, 1, 0);
        StateHash HashOf(Layout layout, int tail)
        {
            var driver = new BankDriver(hashing: true);
            driver.Allocate(at, layout, tail);
            Assert.Equal(driver.Bank.Fingerprint(), driver.Bank.Hash);
            return driver.Bank.Hash;
        }

        var other = new Layout("other");
        other.Word("first", 0, 0);
        other.Word("second", 4, 8);
        other.Word("third", 8, 16);
        Assert.NotEqual(HashOf(_layout, 0), HashOf(_layout, 1));
        Assert.NotEqual(HashOf(_layout, 0), HashOf(other, 0));
    }
}
