using IommuCluster.Grains.Contracts;
using IommuCluster.Grains.Memory;
using IommuCluster.Grains.Tests.Support;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Tests.Memory;

public sealed class HomeMemoryTests
{
    private readonly HomeMemory _memory = new();

    public HomeMemoryTests() => _memory.Step(Steps.Allocate());

    [Fact]
    public void Lock_Free_IsGranted()
    {
        var reply = _memory.Step(Lock(2, 1));

        Assert.False(reply.IsQueued);
        Assert.Empty(_memory.TakeGrants());
    }

    [Fact]
    public void Lock_Held_IsQueuedAndGrantedByUnlockInOrderOfArrival()
    {
        _memory.Step(Lock(2, 1));
        Assert.True(_memory.Step(Lock(3, 1)).IsQueued);
        Assert.True(_memory.Step(Lock(4, 1)).IsQueued);

        var unlock = _memory.Step(Unlock(2, 2));
        Assert.Equal(3, Assert.Single(unlock.LetIn).Thread);
        Assert.Equal(new Grant(3, 1, 3, StepReply.Done), Assert.Single(_memory.TakeGrants()));

        Assert.Equal(4, Assert.Single(_memory.Step(Unlock(3, 2)).LetIn).Thread);
        Assert.Equal(4, Assert.Single(_memory.TakeGrants()).Thread);
    }

    [Fact]
    public void Lock_WaitedForInFreedObject_IsGrantedAsUseAfterFree()
    {
        _memory.Step(Lock(2, 1));
        _memory.Step(Lock(3, 1));

        Assert.Equal(3, Assert.Single(_memory.Step(Steps.Free(2, 2)).LetIn).Thread);
        var grant = Assert.Single(_memory.TakeGrants());
        Assert.Equal(FaultKind.UseAfterFree, grant.Reply.Fault);
        Assert.Equal("box", grant.Reply.Type);
    }

    [Fact]
    public void Step_ThatArrivesTwice_GetsFirstAnswerAndChangesNothing()
    {
        var add = Steps.On(Steps.X, StepKind.Add, thread: 2, sequence: 1, value: 5);

        Assert.Equal(5UL, _memory.Step(add).Value);
        Assert.Equal(5UL, _memory.Step(add).Value);
        Assert.Equal(5UL, _memory.Peek(Steps.Box.Plus(Steps.X.Word)));
    }

    [Fact]
    public void Lock_ThatArrivesTwiceWhileQueued_WaitsOnce()
    {
        _memory.Step(Lock(2, 1));
        _memory.Step(Lock(3, 1));
        Assert.True(_memory.Step(Lock(3, 1)).IsQueued);

        Assert.Equal(3, Assert.Single(_memory.Step(Unlock(2, 2)).LetIn).Thread);
        Assert.Empty(_memory.Step(Unlock(3, 2)).LetIn);
    }

    [Fact]
    public void Lock_ThatArrivesAgainAfterItsGrant_IsAnsweredLikeTheGrant()
    {
        _memory.Step(Lock(2, 1));
        _memory.Step(Lock(3, 1));
        _memory.Step(Unlock(2, 2));

        Assert.False(_memory.Step(Lock(3, 1)).IsQueued);
    }

    [Fact]
    public void Load_ThroughNull_Faults() =>
        Assert.Equal(FaultKind.NullDereference, _memory.Step(Steps.On(Steps.X, StepKind.Load, 2, 1) with { Base = 0 }).Fault);

    [Fact]
    public void Fingerprint_OfTwoOwners_IsThatOfOneBank()
    {
        var other = new HomeMemory();
        var elsewhere = Steps.Allocate(thread: 2) with { Base = Address.Create(new Home(HomeKind.Device, 3), 2, 0).Value };
        var both = new HomeMemory();
        both.Step(Steps.Allocate());
        both.Step(elsewhere);
        other.Step(elsewhere);

        Assert.Equal(both.Fingerprint(withRcu: true), _memory.Fingerprint(withRcu: true).Plus(other.Fingerprint(withRcu: false)));
    }

    private static StepMessage Lock(int thread, int sequence) => Steps.On(Steps.Mutex, StepKind.Lock, thread, sequence);

    private static StepMessage Unlock(int thread, int sequence) => Steps.On(Steps.Mutex, StepKind.Unlock, thread, sequence);
}
