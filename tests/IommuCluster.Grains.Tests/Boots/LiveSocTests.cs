using IommuCluster.Exploration.Runtime;
using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Contracts;
using IommuCluster.Grains.Tests.Support;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Grains.Tests.Boots;

/// <summary>A SoC that stays up, operated by a client in the kernel's terms.</summary>
[Collection(ThreeSilosGroup.Name)]
public sealed class LiveSocTests(ThreeSilos cluster)
{
    private const string Device = "1d84000.ufshc";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Operations_OnLiveSoc_DoWhatTheKernelDoes(bool scatter)
    {
        await using var soc = await StartAsync(scatter);
        Assert.True((await soc.DescribeDeviceAsync(Device)).IsBound);
        Assert.Equal(Errno.EBusy, await soc.BindAsync(Device));

        Assert.Equal(Errno.None, await soc.UnbindAsync(Device));
        Assert.Equal(Errno.ENoDev, await soc.UnbindAsync(Device));
        Assert.False((await soc.DescribeDeviceAsync(Device)).IsBound);

        Assert.Equal(Errno.None, await soc.BindAsync(Device));
        Assert.True((await soc.DescribeDeviceAsync(Device)).IsBound);
        Assert.Equal(ScheduleEnd.Completed, (await soc.StopAsync()).End);
    }

    [Fact]
    public async Task Domain_OfLiveSoc_IsAttachedMappedAndTranslated()
    {
        await using var soc = await StartAsync(scatter: false);
        await soc.UnbindAsync(Device);
        var group = (await soc.DescribeDeviceAsync(Device)).Group;
        var before = await soc.DescribeGroupAsync(group);
        var domain = new Address((await soc.AllocateDomainAsync(Device)).Value);

        Assert.Equal(Errno.EInval, await soc.MapAsync(domain, 0x1000, 0x4000_0000));
        Assert.Equal(Errno.None, await soc.AttachAsync(domain, Device));
        Assert.Equal(domain, (await soc.DescribeGroupAsync(group)).Domain);
        Assert.Equal(Errno.None, await soc.MapAsync(domain, 0x1000, 0x4000_0000));
        Assert.Equal(Errno.EExist, await soc.MapAsync(domain, 0x1000, 0x5000_0000));
        Assert.Equal(0x4000_0123UL, await soc.TranslateAsync(domain, 0x1123));
        Assert.Equal(("unmanaged", 1), (await soc.DescribeDomainAsync(domain)) is var mapped ? (mapped.Type, mapped.MappedPages) : default);

        Assert.Equal(Errno.None, await soc.UnmapAsync(domain, 0x1000));
        Assert.Equal(0UL, await soc.TranslateAsync(domain, 0x1123));
        Assert.Equal(Errno.None, await soc.DetachAsync(domain, Device));
        Assert.Equal(before, await soc.DescribeGroupAsync(group));
        Assert.Equal(Errno.None, await soc.FreeDomainAsync(domain));
        Assert.Null((await soc.DescribeDomainAsync(domain)).Type);
        Assert.Empty((await soc.StopAsync()).Findings);
    }

    /// <summary>Both ask at the same time; the device's mutex lets one after the other, and one is told so.</summary>
    [Fact]
    public async Task Binds_AtTheSameTime_OneIsBusy()
    {
        await using var soc = await StartAsync(scatter: true);
        await soc.UnbindAsync(Device);

        var answers = await Task.WhenAll(soc.BindAsync(Device), soc.BindAsync(Device));

        Assert.Equal([Errno.EBusy, Errno.None], answers.Order());
    }

    [Fact]
    public async Task Iommu_OfLiveSoc_IsRegistered()
    {
        await using var soc = await StartAsync(scatter: false);

        Assert.True((await soc.DescribeIommuAsync("15000000.iommu")).IsRegistered);
        await Assert.ThrowsAsync<ArgumentException>(() => soc.BindAsync("nobody"));
    }

    /// <summary>Orleans collects what was idle for long, and these hold the only copy of the SoC's memory.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Grains_OfLiveSocThatIsIdle_AreNotCollected(bool scatter)
    {
        var name = cluster.NextName();
        await using var soc = await StartAsync(scatter, name);
        await cluster.Grains.Soc(scatter ? GrainKeys.Scattered(name) : name).StayAsync();

        await cluster.Grains.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero);

        Assert.True((await soc.DescribeDeviceAsync(Device)).IsBound);
        Assert.Equal(Errno.None, await soc.UnbindAsync(Device));
        Assert.Equal(ScheduleEnd.Completed, (await soc.StopAsync()).End);
    }

    [Fact]
    public async Task LiveSoc_ThatNobodyWantsAnyMore_Ends()
    {
        var (name, left) = (cluster.NextName(), new Left());
        var order = new BootOrder(null, null, null, Checkers: true, GoOnAfterOops: false, MaxSteps: 1_000, StaysUp: true);
        cluster.Registry.Add(name, new Boot(Programs.Of(async t => await t.Store(Box.At(0).X, 1UL)), order));
        await cluster.Grains.Soc(name).BeginAsync(order, cluster.Grains.CreateObjectReference<IBootObserver>(left));
        await left.AtRest.Task;

        await cluster.Grains.Soc(name).StayAsync();

        Assert.Equal(ScheduleEnd.Completed, (await left.Ended.Task).End);
    }

    private Task<LiveSoc> StartAsync(bool scatter, string? name = null) =>
        cluster.Runner.StartAsync(Stories.Boot(Stories.Case("s07-sc8180x-ufs-dma-ops/before")), name ?? cluster.NextName(), new BootOptions { Scatter = scatter });

    /// <summary>Had a SoC booted, and has no use for it.</summary>
    private sealed class Left : IBootObserver
    {
        public TaskCompletionSource AtRest { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<BootReport> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ValueTask EndedAsync(BootReport report)
        {
            Ended.TrySetResult(report);
            return ValueTask.CompletedTask;
        }

        public ValueTask RestsAsync()
        {
            AtRest.TrySetResult();
            return ValueTask.CompletedTask;
        }

        public ValueTask<bool> IsWantedAsync() => ValueTask.FromResult(false);

        public ValueTask AnsweredAsync(int ticket, OperationAnswer answer) => ValueTask.CompletedTask;
    }
}
