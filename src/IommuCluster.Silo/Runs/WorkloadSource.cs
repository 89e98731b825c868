using System.Text.Json;
using IommuCluster.Grains.Boots;
using IommuCluster.Kernel.Memory;
using IommuCluster.Scenarios.Running;
using IommuCluster.Silo.Api;

namespace IommuCluster.Silo.Runs;

/// <summary>Makes the workloads of boots that spread over silos: each reads the order for itself.</summary>
/// <param name="orders">Reads orders.</param>
/// <param name="cases">Makes the workloads of cases.</param>
internal sealed class WorkloadSource(OrderReader orders, CaseRunner cases) : IWorkloadSource
{
    /// <summary>The recipe of a slice's boots.</summary>
    /// <param name="slice">The slice.</param>
    /// <returns>The order of the slice's case, as JSON.</returns>
    public static string RecipeOf(RunSlice slice) => JsonSerializer.Serialize(slice.Order with { Case = slice.Case }, ApiJson.Default.RunOrder);

    /// <inheritdoc/>
    public Workload Make(string recipe) =>
        cases.Boot(orders.Read(JsonSerializer.Deserialize(recipe, ApiJson.Default.RunOrder)!).Cases[0]); // RecipeOf never writes null.
}
