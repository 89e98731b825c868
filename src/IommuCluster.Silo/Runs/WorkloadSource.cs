using System.Text.Json;
using IommuCluster.Grains.Boots;
using IommuCluster.Kernel.Memory;
using IommuCluster.Scenarios.Running;
using IommuCluster.Silo.Api;
using Lock = System.Threading.Lock;

namespace IommuCluster.Silo.Runs;

/// <summary>
/// Makes the workloads of boots that spread over silos: each reads the order for itself. A workload holds nothing that
/// changes, so all boots of a case share one; those of a few cases are kept.
/// </summary>
/// <param name="orders">Reads orders.</param>
/// <param name="cases">Makes the workloads of cases.</param>
internal sealed class WorkloadSource(OrderReader orders, CaseRunner cases) : IWorkloadSource
{
    /// <summary>Cases whose workloads are kept.</summary>
    public const int MaxCases = 4;

    private readonly Lock _guard = new();
    private readonly List<(string Recipe, Workload Workload)> _kept = []; // The one that was made last comes last.

    /// <summary>The recipe of a slice's boots.</summary>
    /// <param name="slice">The slice.</param>
    /// <returns>The order of the slice's case, as JSON.</returns>
    public static string RecipeOf(RunSlice slice) => JsonSerializer.Serialize(slice.Order with { Case = slice.Case }, ApiJson.Default.RunOrder);

    /// <inheritdoc/>
    public Workload Make(string recipe)
    {
        lock (_guard)
        {
            if (_kept.Find(each => each.Recipe == recipe).Workload is { } known)
            {
                return known;
            }

            var made = cases.Boot(orders.Read(JsonSerializer.Deserialize(recipe, ApiJson.Default.RunOrder)!).Cases[0]); // RecipeOf never writes null.
            _kept.Add((recipe, made));
            _kept.RemoveRange(0, Math.Max(0, _kept.Count - MaxCases));
            return made;
        }
    }
}
