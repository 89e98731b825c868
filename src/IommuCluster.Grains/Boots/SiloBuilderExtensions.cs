using IommuCluster.Grains.Placement;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Hosting;

namespace IommuCluster.Grains.Boots;

/// <summary>What a silo needs to hold the kernel's memory.</summary>
public static class SiloBuilderExtensions
{
    /// <summary>Makes a silo take part in boots.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="registry">The boots of its process.</param>
    /// <returns>The silo.</returns>
    public static ISiloBuilder AddKernelGrains(this ISiloBuilder silo, BootRegistry registry)
    {
        silo.Services.AddSingleton(registry);
        return silo.AddPlacementDirector<SocPlacement, SocPlacementDirector>().AddStartupTask(
            (services, _) =>
            {
                registry.Add(services.GetRequiredService<ILocalSiloDetails>().SiloAddress);
                return Task.CompletedTask;
            },
            ServiceLifecycleStage.RuntimeInitialize);
    }
}
