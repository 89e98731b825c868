using System.Net;
using IommuCluster.Grains.Boots;
using IommuCluster.Grains.Placement;
using IommuCluster.Grains.Tests.Support;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Tests.Placement;

public sealed class SocPlacementTests
{
    private static readonly SiloAddress[] s_silos = [.. Enumerable.Range(1, 3).Select(port => SiloAddress.New(IPAddress.Loopback, port, 1))];

    [Fact]
    public void Choose_GrainsOfOneSoc_AreOnOneSiloWhateverTheOrder()
    {
        var silo = SocPlacementDirector.Choose("run7/soc", s_silos);

        Assert.All(Enumerable.Range(0, 100), grain => Assert.Equal(silo, SocPlacementDirector.Choose($"run7/Device{grain}", [.. s_silos.Reverse()])));
    }

    /// <summary>Silos come and go: the SoC stays where it is, and its parts beside it.</summary>
    [Fact]
    public void Choose_PartThatNamesTheSilo_IsThereWhicheverOthersThereAre()
    {
        foreach (var home in s_silos)
        {
            var part = $"{GrainKeys.PartsAt("run7", home)}/3";

            Assert.Equal(home, SocPlacementDirector.Choose(part, s_silos));
            Assert.Equal(home, SocPlacementDirector.Choose(part, [home]));
        }
    }

    [Fact]
    public void Choose_PartWhoseSiloIsGone_IsWhereANewSocWouldBe()
    {
        var part = $"{GrainKeys.PartsAt("run7", s_silos[2])}/3";

        Assert.Equal(SocPlacementDirector.Choose("run7/soc", s_silos[..2]), SocPlacementDirector.Choose(part, s_silos[..2]));
    }

    [Fact]
    public void Choose_ManySocs_SpreadsThem()
    {
        var counts = Enumerable.Range(0, 3_000).CountBy(soc => SocPlacementDirector.Choose($"run{soc}/soc", s_silos)).ToList();

        Assert.Equal(3, counts.Count);
        Assert.All(counts, pair => Assert.InRange(pair.Value, 900, 1_100));
    }

    [Fact]
    public void Choose_GrainsOfScatteredSoc_AreOnAllSilos()
    {
        var soc = GrainKeys.Scattered("run7");

        Assert.Equal(3, Enumerable.Range(0, 100).Select(grain => SocPlacementDirector.Choose($"{soc}/Device{grain}", s_silos)).Distinct().Count());
    }

    [Fact]
    public void Choose_SiloLost_MovesOnlyItsOwnSocs()
    {
        var socs = Enumerable.Range(0, 100).Select(number => $"run{number}/soc").ToList();
        var stay = socs.Where(soc => !SocPlacementDirector.Choose(soc, s_silos).Equals(s_silos[2]));

        Assert.All(stay, soc => Assert.Equal(SocPlacementDirector.Choose(soc, s_silos), SocPlacementDirector.Choose(soc, s_silos[..2])));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Activation_OnCluster_IsWhereTheSocIs(short silos)
    {
        var cluster = new LocalCluster(silos);
        await cluster.InitializeAsync();
        var (together, scattered) = (new HashSet<SiloAddress>(), new HashSet<SiloAddress>());
        for (var number = 0; number < 10; number++)
        {
            together.Add(Assert.Single(await PlacesAsync(cluster, await cluster.BeginIdleAsync())));
            scattered.UnionWith(await PlacesAsync(cluster, await cluster.BeginIdleAsync(scatter: true)));
        }

        Assert.InRange(together.Count, Math.Min((int)silos, 2), silos); // All ten SoCs on one of two silos: 2 in 1,024 runs if it were chance.
        Assert.Equal(silos, scattered.Count);
        await cluster.DisposeAsync();
    }

    private static async Task<HashSet<SiloAddress>> PlacesAsync(LocalCluster cluster, string parts)
    {
        var places = new HashSet<SiloAddress>();
        foreach (var kind in new[] { HomeKind.Device, HomeKind.Iommu, HomeKind.Group, HomeKind.Domain })
        {
            for (var index = 0; index < 3; index++)
            {
                var owner = cluster.Grains.Owner(parts, new Home(kind, index));
                await owner.PeekAsync(0);
                places.Add(await cluster.PlaceOfAsync(owner));
            }
        }

        var cpu = cluster.Grains.Cpu(parts, 1);
        await cpu.WaitersAsync();
        places.Add(await cluster.PlaceOfAsync(cpu));
        return places;
    }
}
