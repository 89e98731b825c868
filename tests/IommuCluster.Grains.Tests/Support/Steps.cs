using IommuCluster.Grains.Contracts;
using IommuCluster.Kernel.Memory;
using IommuCluster.TestKit;

namespace IommuCluster.Grains.Tests.Support;

/// <summary>Steps as they travel, on one box of the SoC.</summary>
internal static class Steps
{
    internal static Address Box { get; } = Address.Create(Home.Soc, thread: 1, count: 0);

    internal static FieldDescriptor Mutex { get; } = new Box(Box).A.Descriptor;

    internal static FieldDescriptor X { get; } = new Box(Box).X.Descriptor;

    internal static StepMessage Allocate(int thread = 1, int sequence = 1) =>
        new(thread, sequence, 0, StepKind.Allocate, Box.Value, -1, 0, (ulong)TestKit.Box.Layout.Words, 0, TestKit.Box.Layout.Name);

    internal static StepMessage Free(int thread, int sequence) => new(thread, sequence, 0, StepKind.Free, Box.Value, -1, 0, 0, 0, null);

    internal static StepMessage On(FieldDescriptor field, StepKind kind, int thread, int sequence, ulong value = 0) =>
        new(thread, sequence, thread, kind, Box.Value, field.Word, 0, value, 0, null);
}
