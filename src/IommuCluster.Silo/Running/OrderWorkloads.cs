using System.Text.Json;
using IommuCluster.Grains.Boots;
using IommuCluster.Kernel.Memory;
using IommuCluster.Scenarios.Running;
using IommuCluster.Silo.Api;
using IommuCluster.Silo.Runs;
using Lock = System.Threading.Lock;

namespace IommuCluster.Silo.Running;

/// <summary>
/// Makes the workloads of boots that another silo asked for: the recipe is the order, for one case. A workload holds nothing
/// that changes, so all SoCs of a case share one; those of a few cases are kept.
/// </summary>
/// <param name="orders">Reads orders.</param>
/// <param name="clock">Goes with the cases.</param>
internal sealed class OrderWorkloads(OrderReader orders, TimeProvider clock) : IWorkloadSource
{
    /// <summary>Cases whose workloads are kept.</summary>
    public const int MaxCases = 4;

    private readonly Lock _guard = new();
    private readonly List<(string Recipe, Workload Workload)> _kept = []; // The one that was made last comes last.
    private readonly CaseRunner _cases = new(clock);

    /// <summary>The recipe of a slice's case.</summary>
    /// <param name="slice">The slice.</param>
    /// <returns>The recipe.</returns>
    public static string RecipeOf(RunSlice slice) => JsonSerializer.Serialize(slice.Order with { Case = slice.Case }, ApiJson.Default.RunOrder);

    /// <inheritdoc/>
    public Workload Make(string recipe)
    {
        lock (_guard)
        {
            var known = _kept.Find(each => each.Recipe == recipe).Workload;
            if (known is not null)
            {
                return known;
            }

            var order = JsonSerializer.Deserialize(recipe, ApiJson.Default.RunOrder) ?? throw new InvalidOperationException("null is no recipe.");
            var made = _cases.Boot(orders.Read(order).Cases[0]);
            _kept.Add((recipe, made));
            _kept.RemoveRange(0, Math.Max(0, _kept.Count - MaxCases));
            return made;
        }
    }
}
