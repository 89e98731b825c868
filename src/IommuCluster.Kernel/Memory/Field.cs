using System.Runtime.CompilerServices;

namespace IommuCluster.Kernel.Memory;

/// <summary>A typed handle of a kernel object: an address that knows its layout.</summary>
/// <typeparam name="TSelf">The handle itself.</typeparam>
public interface IKernelObject<TSelf>
    where TSelf : unmanaged, IKernelObject<TSelf>
{
    /// <summary>The layout of every object of the type.</summary>
    static abstract Layout Layout { get; }

    /// <summary>Where the object is.</summary>
    Address Address { get; }
}

/// <summary>One word of an object, typed. Naming it is free; touching it is a step of a thread.</summary>
/// <typeparam name="T">An unmanaged type of at most eight bytes.</typeparam>
/// <param name="Base">The object, or a place inside it.</param>
/// <param name="Descriptor">The field.</param>
/// <param name="Index">Element of an array field.</param>
public readonly record struct Field<T>(Address Base, FieldDescriptor Descriptor, int Index = 0)
    where T : unmanaged;

/// <summary>Between typed values and the 64-bit words that memory holds.</summary>
public static class Word
{
    /// <summary>The word of a value.</summary>
    /// <typeparam name="T">An unmanaged type of at most eight bytes.</typeparam>
    /// <param name="value">The value.</param>
    /// <returns>The value's bits, zero-extended.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong From<T>(T value)
        where T : unmanaged => Unsafe.SizeOf<T>() switch
        {
            8 => Unsafe.BitCast<T, ulong>(value),
            4 => Unsafe.BitCast<T, uint>(value),
            2 => Unsafe.BitCast<T, ushort>(value),
            1 => Unsafe.BitCast<T, byte>(value),
            _ => throw new NotSupportedException($"{typeof(T).Name} does not fit a word."),
        };

    /// <summary>The value of a word.</summary>
    /// <typeparam name="T">An unmanaged type of at most eight bytes.</typeparam>
    /// <param name="word">The word.</param>
    /// <returns>The value whose bits are the word's lowest ones.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T To<T>(ulong word)
        where T : unmanaged => Unsafe.SizeOf<T>() switch
        {
            8 => Unsafe.BitCast<ulong, T>(word),
            4 => Unsafe.BitCast<uint, T>(unchecked((uint)word)),
            2 => Unsafe.BitCast<ushort, T>(unchecked((ushort)word)),
            1 => Unsafe.BitCast<byte, T>(unchecked((byte)word)),
            _ => throw new NotSupportedException($"{typeof(T).Name} does not fit a word."),
        };
}
