using IommuCluster.Grains.Placement;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Runtime.Hosting;

namespace IommuCluster.Grains.Boots;

/// <summary>What a silo needs to hold the kernel's memory.</summary>
public static class SiloBuilderExtensions
{
    /// <summary>Grains whose place a silo remembers: those of the SoCs that boot at the same time, many times over. The grains of a SoC that has booted never come again.</summary>
    private const int RememberedPlaces = 1 << 13;

    /// <summary>Makes a silo take part in boots.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="registry">The boots of its process.</param>
    /// <returns>The silo.</returns>
    public static ISiloBuilder AddKernelGrains(this ISiloBuilder silo, BootRegistry registry)
    {
        silo.Services.AddSingleton(registry);
        silo.Configure<GrainDirectoryOptions>(options => options.CacheSize = RememberedPlaces);
        silo.AddGrainDirectory(HomeDirectory.Name, (_, _) => new HomeDirectory());
        return silo.AddPlacementDirector<SocPlacement, SocPlacementDirector>().AddStartupTask(
            (services, _) =>
            {
                registry.Add(services.GetRequiredService<ILocalSiloDetails>().SiloAddress);
                return Task.CompletedTask;
            },
            ServiceLifecycleStage.RuntimeInitialize);
    }
}
