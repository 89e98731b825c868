using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Grains.Contracts;

/// <summary>Between a waiter and its message.</summary>
internal static class WaiterMessages
{
    /// <summary>Describes a thread that waits.</summary>
    public static WaiterMessage Of(KernelThread thread)
    {
        var waiter = Waiter.Of(thread);
        return new WaiterMessage(
            waiter.Id, waiter.Slot, waiter.Name, waiter.Function, waiter.Kind, waiter.At.Value, waiter.Type, waiter.WaitsFor, waiter.IsSilent,
            [.. waiter.HeldForReading.Select(at => at.Value)]);
    }

    /// <summary>Takes the description from its message.</summary>
    public static Waiter Unwrap(WaiterMessage message) => new(
        message.Slot, message.Thread, message.Name, message.Function, message.Kind, new Address(message.At), message.Type, message.WaitsFor, message.IsSilent,
        [.. message.HeldForReading.Select(at => new Address(at))]);
}
