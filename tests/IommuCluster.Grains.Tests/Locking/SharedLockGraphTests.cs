using IommuCluster.Grains.Contracts;
using IommuCluster.Grains.Locking;

namespace IommuCluster.Grains.Tests.Locking;

public sealed class SharedLockGraphTests
{
    private readonly SharedLockGraph _graph = new();

    [Fact]
    public void Learn_EdgeThatClosesACycle_FindsItOnce()
    {
        Assert.Empty(_graph.Learn("one/1/1", [Edge("a", "b")]));
        Assert.Single(_graph.Learn("two/1/1", [Edge("b", "a")]));
        Assert.Empty(_graph.Learn("two/1/9", [Edge("b", "a")]));
    }

    [Fact]
    public void Learn_SameStepAgain_GetsTheFirstAnswer()
    {
        _graph.Learn("one/1/1", [Edge("a", "b")]);

        Assert.Equal(_graph.Learn("two/1/1", [Edge("b", "a")]), _graph.Learn("two/1/1", [Edge("b", "a")]));
    }

    private static LockEdgeMessage Edge(string held, string acquired) => new(Node(held), Node(acquired), "f", "g");

    private static LockNodeMessage Node(string name) => new(name[0], name, NoValidate: false);
}
