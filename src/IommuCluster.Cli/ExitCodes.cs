namespace IommuCluster.Cli;

/// <summary>What the process answers.</summary>
internal static class ExitCodes
{
    /// <summary>As expected, or clean.</summary>
    internal const int Fine = 0;

    /// <summary>A finding, or not as expected.</summary>
    internal const int Finding = 1;

    /// <summary>Bad input or usage.</summary>
    internal const int BadInput = 2;

    /// <summary>Our own fault.</summary>
    internal const int OurFault = 3;

    /// <summary>Stopped before the asked budget.</summary>
    internal const int NoVerdict = 4;

    /// <summary>A replay diverged.</summary>
    internal const int Diverged = 5;

    /// <summary>Interrupted.</summary>
    internal const int Interrupted = 130;
}
