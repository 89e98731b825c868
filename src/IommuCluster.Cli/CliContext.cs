using IommuCluster.Exploration.Runtime;
using IommuCluster.Exploration.Telemetry;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Cli;

/// <summary>The world as the commands see it, so that a test can be one.</summary>
internal sealed record CliContext
{
    /// <summary>Where results go.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Where diagnostics and progress go.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>Measures budgets in time.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>True when results go to a terminal that shows colours.</summary>
    public bool HasColour { get; init; }

    /// <summary>True when progress goes to a terminal.</summary>
    public bool HasProgress { get; init; }

    /// <summary>Directories from which scenarios and boards are looked for, upwards.</summary>
    public IReadOnlyList<string> Places { get; init; } = [Directory.GetCurrentDirectory(), AppContext.BaseDirectory];

    /// <summary>Measures what is explored, once somebody listens.</summary>
    public IScheduleObserver Instruments { get; init; } = new ExplorationInstruments();

    /// <summary>Makes the workload of a plan; null for the standard boot.</summary>
    public Func<BootPlan, Workload>? Boot { get; init; }

    /// <summary>The world of the process.</summary>
    public static CliContext OfProcess() => new()
    {
        Out = Console.Out,
        Error = Console.Error,
        HasColour = !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")),
        HasProgress = !Console.IsErrorRedirected && !Console.IsOutputRedirected,
    };
}
