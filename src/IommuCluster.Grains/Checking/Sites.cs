using IommuCluster.Grains.Contracts;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Checking;

/// <summary>Numbers for the places of the code that access memory, so that a step names its place in a byte or two.</summary>
internal sealed class Sites
{
    private readonly Dictionary<Place, int> _numbers = [];
    private readonly List<SiteMessage> _sites = [];

    /// <summary>The number of the place where a thread is.</summary>
    /// <param name="thread">The thread; its step is announced.</param>
    /// <returns>From 1.</returns>
    public int NumberOf(KernelThread thread)
    {
        ref readonly var request = ref thread.Request;
        var place = new Place(thread.Function, request.Field, request.Kind, request.Marking);
        if (!_numbers.TryGetValue(place, out var number))
        {
            _sites.Add(new SiteMessage(place.Function, place.Kind, place.Marking, place.Field?.Layout.Name, place.Field?.Name));
            _numbers.Add(place, number = _sites.Count);
        }

        return number;
    }

    /// <summary>Puts a place into words.</summary>
    /// <param name="number">Its number.</param>
    /// <returns>The place.</returns>
    public SiteMessage this[int number] => _sites[number - 1];

    private readonly record struct Place(string Function, FieldDescriptor? Field, StepKind Kind, Marking Marking)
    {
        /// <summary>Cheaper than the hash of a whole name, which is looked up with every step.</summary>
        public override int GetHashCode() => (((Function.Length * 31) + Function[^1]) * 8192) + ((Field?.Word ?? -1) * 32) + (int)Kind;
    }
}
