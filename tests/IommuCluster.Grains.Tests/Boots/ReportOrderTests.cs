using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Contracts;

namespace IommuCluster.Grains.Tests.Boots;

public sealed class ReportOrderTests
{
    private readonly ReportOrder _order = new();

    [Fact]
    public void Arrived_OutOfOrder_WaitsForTheOneBefore()
    {
        Assert.Empty(Arrive(thread: 1, number: 2));
        Assert.Equal([1], Arrive(thread: 2, number: 1));
        Assert.Equal([1, 2], Arrive(thread: 1, number: 1));
    }

    [Fact]
    public void Arrived_Twice_IsTakenOnce()
    {
        Assert.Equal([1], Arrive(thread: 1, number: 1));
        Assert.Empty(Arrive(thread: 1, number: 1));
        Assert.Equal([2], Arrive(thread: 1, number: 2));
    }

    private int[] Arrive(int thread, int number) =>
        [.. _order.Arrived(new ThreadReport(thread, number, ThreadEvent.Blocked, 1, [], [])).Select(report => report.Number)];
}
