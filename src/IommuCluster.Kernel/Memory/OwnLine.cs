using System.Runtime.InteropServices;

namespace IommuCluster.Kernel.Memory;

/// <summary>
/// A number after which no other object begins for two cache lines, for an object that is written at each step and made right before its own
/// large array. The array does not fit into what is left of the memory that its thread was given, so what comes after the object is another
/// thread's. On one line with it, each thread waited whenever the other one wrote: two workers did 1.1 to 1.7 times the work of one, with the distance 1.8 to 2.0.
/// </summary>
/// <typeparam name="T">The number.</typeparam>
[StructLayout(LayoutKind.Sequential, Size = 128)] // Two lines: they are fetched in pairs.
internal struct OwnLine<T>
    where T : unmanaged
{
    /// <summary>The number.</summary>
    public T Value;
}
