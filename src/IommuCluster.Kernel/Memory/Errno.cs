namespace IommuCluster.Kernel.Memory;

/// <summary>The modelled kernel's own results: 0 or a negative errno, as kernel functions return them.</summary>
public enum Errno
{
    /// <summary>Success.</summary>
    None = 0,

    /// <summary>Operation not permitted (-1).</summary>
    EPerm = -1,

    /// <summary>No such file or directory (-2).</summary>
    ENoEnt = -2,

    /// <summary>Out of memory (-12).</summary>
    ENoMem = -12,

    /// <summary>Bad address (-14).</summary>
    EFault = -14,

    /// <summary>Device or resource busy (-16).</summary>
    EBusy = -16,

    /// <summary>Already exists (-17).</summary>
    EExist = -17,

    /// <summary>No such device (-19).</summary>
    ENoDev = -19,

    /// <summary>Invalid argument (-22).</summary>
    EInval = -22,

    /// <summary>No space left: no context bank, stream entry or id is free (-28).</summary>
    ENoSpc = -28,

    /// <summary>Out of range: beyond what a page table can translate (-34).</summary>
    ERange = -34,

    /// <summary>Address in use (-98).</summary>
    EAddrInUse = -98,

    /// <summary>Timed out (-110).</summary>
    ETimedOut = -110,

    /// <summary>The driver asks for another probe later (-517).</summary>
    EProbeDefer = -517,
}

/// <summary>How people write an errno.</summary>
public static class ErrnoNames
{
    /// <summary>The kernel's spelling with the sign that functions return it with.</summary>
    /// <param name="error">The error.</param>
    /// <returns><c>0</c>, <c>-EBUSY</c>, …</returns>
    public static string Name(this Errno error) => error switch
    {
        Errno.None => "0",
        Errno.EPerm => "-EPERM",
        Errno.ENoEnt => "-ENOENT",
        Errno.ENoMem => "-ENOMEM",
        Errno.EFault => "-EFAULT",
        Errno.EBusy => "-EBUSY",
        Errno.EExist => "-EEXIST",
        Errno.ENoDev => "-ENODEV",
        Errno.EInval => "-EINVAL",
        Errno.ENoSpc => "-ENOSPC",
        Errno.ERange => "-ERANGE",
        Errno.EAddrInUse => "-EADDRINUSE",
        Errno.ETimedOut => "-ETIMEDOUT",
        Errno.EProbeDefer => "-EPROBE_DEFER",
        _ => ((int)error).ToString(System.Globalization.CultureInfo.InvariantCulture),
    };
}
