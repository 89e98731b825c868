using IommuCluster.Kernel.Firmware;
using IommuCluster.Kernel.Locking;

namespace IommuCluster.Kernel.Memory;

/// <summary>The shape of an object type: its words in order, each with the byte offset that splats print.</summary>
/// <param name="name">The kernel's type name (<c>dev_iommu</c>).</param>
public sealed class Layout(string name)
{
    private readonly List<FieldDescriptor> _byWord = [];

    /// <summary>A type that begins with another one, as a driver's domain embeds the core's.</summary>
    /// <param name="name">The kernel's type name.</param>
    /// <param name="first">The type of its first member.</param>
    public Layout(string name, Layout first)
        : this(name) => _byWord.AddRange(first._byWord);

    /// <summary>The kernel's type name.</summary>
    public string Name { get; } = name;

    /// <summary>The type in a hash of the state: a hash of its name, the same in every process.</summary>
    internal uint Key { get; } = Checking.StableHash.Of(name);

    /// <summary>Number of declared words; an allocation may ask for more behind them.</summary>
    public int Words => _byWord.Count;

    /// <summary>Declares a field of one word.</summary>
    /// <param name="field">The kernel's field name.</param>
    /// <param name="at32">Byte offset on 32-bit kernels.</param>
    /// <param name="at64">Byte offset on 64-bit kernels.</param>
    /// <returns>The field.</returns>
    public FieldDescriptor Word(string field, int at32, int at64) => Add(field, at32, at64, words: 1, lockClass: null);

    /// <summary>Declares an embedded lock, completion or wait queue.</summary>
    /// <param name="field">The kernel's field name.</param>
    /// <param name="at32">Byte offset on 32-bit kernels.</param>
    /// <param name="at64">Byte offset on 64-bit kernels.</param>
    /// <param name="lockClass">Its lock class.</param>
    /// <returns>The field.</returns>
    public FieldDescriptor Lock(string field, int at32, int at64, LockClass lockClass) => Add(field, at32, at64, words: 1, lockClass);

    /// <summary>Declares an embedded <c>list_head</c>: two words, next and prev.</summary>
    /// <param name="field">The kernel's field name.</param>
    /// <param name="at32">Byte offset on 32-bit kernels.</param>
    /// <param name="at64">Byte offset on 64-bit kernels.</param>
    /// <returns>The field.</returns>
    public FieldDescriptor List(string field, int at32, int at64) => Add(field, at32, at64, words: 2, lockClass: null);

    /// <summary>Declares the array that ends the object; its length is given at allocation.</summary>
    /// <param name="field">The kernel's field name.</param>
    /// <param name="at32">Byte offset on 32-bit kernels.</param>
    /// <param name="at64">Byte offset on 64-bit kernels.</param>
    /// <returns>The field; its words begin behind all declared ones.</returns>
    public FieldDescriptor Tail(string field, int at32, int at64)
    {
        TailField = new FieldDescriptor(this, field, _byWord.Count, at32, at64, lockClass: null);
        return TailField;
    }

    /// <summary>The array that ends the object, or null.</summary>
    public FieldDescriptor? TailField { get; private set; }

    /// <summary>The field to which a word belongs.</summary>
    /// <param name="word">Word offset in the object.</param>
    /// <returns>The field, or null for a word behind the declared ones of a type without a tail.</returns>
    public FieldDescriptor? FieldAt(int word) => word < _byWord.Count ? _byWord[word] : TailField;

    private FieldDescriptor Add(string field, int at32, int at64, int words, LockClass? lockClass)
    {
        var descriptor = new FieldDescriptor(this, field, _byWord.Count, at32, at64, lockClass);
        for (var i = 0; i < words; i++)
        {
            _byWord.Add(descriptor);
        }

        return descriptor;
    }
}

/// <summary>One field of a <see cref="Layout"/>.</summary>
/// <param name="layout">The type it belongs to.</param>
/// <param name="name">The kernel's field name.</param>
/// <param name="word">First word in the object.</param>
/// <param name="at32">Byte offset on 32-bit kernels.</param>
/// <param name="at64">Byte offset on 64-bit kernels.</param>
/// <param name="lockClass">The lock class of an embedded lock, else null.</param>
public sealed class FieldDescriptor(Layout layout, string name, int word, int at32, int at64, LockClass? lockClass)
{
    /// <summary>The type it belongs to.</summary>
    public Layout Layout { get; } = layout;

    /// <summary>The kernel's field name.</summary>
    public string Name { get; } = name;

    /// <summary>First word in the object.</summary>
    public int Word { get; } = word;

    /// <summary>The lock class of an embedded lock, else null.</summary>
    public LockClass? LockClass { get; } = lockClass;

    /// <summary>Byte offset in the object; what a NULL dereference prints as its address.</summary>
    /// <param name="architecture">Decides the pointer size.</param>
    /// <param name="index">Element of an array field.</param>
    /// <returns>The offset in bytes.</returns>
    public int ByteOffset(Architecture architecture, int index = 0) =>
        architecture == Architecture.Arm ? at32 + (index * 4) : at64 + (index * 8);

    /// <inheritdoc/>
    public override string ToString() => $"{Layout.Name}.{Name}";
}
