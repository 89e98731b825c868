using System.Collections.Immutable;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Kernel.Profiles;
using IommuCluster.Scenarios.Verdicts;

namespace IommuCluster.Scenarios.Format;

/// <summary>A story: one set-up, and cases that differ in the kernel era or otherwise.</summary>
/// <param name="Name">How people and tokens call it: the file's name without extension, or its path when it is not under <c>scenarios/</c>.</param>
/// <param name="File">The file, as it was found.</param>
/// <param name="Title">One line for people.</param>
/// <param name="Systems">Ids of the systems that it shows (<c>S05</c>); may be empty.</param>
/// <param name="Catalogue">Numbers of the failures in the fact reference that it shows (<c>R04</c>); may be empty.</param>
/// <param name="Cases">The cases in the order of the file; at least one.</param>
public sealed record Scenario(
    string Name,
    string File,
    string Title,
    ImmutableArray<string> Systems,
    ImmutableArray<string> Catalogue,
    ImmutableArray<ScenarioCase> Cases)
{
    /// <summary>Finds a case.</summary>
    /// <param name="name">Its name, or <c>name@profile</c> for the same case on another era.</param>
    /// <returns>The case.</returns>
    /// <exception cref="ScenarioException">There is no such case or era.</exception>
    public ScenarioCase FindCase(string name)
    {
        var at = name.LastIndexOf('@');
        var found = Cases.FirstOrDefault(each => each.Name == (at < 0 ? name : name[..at]))
            ?? throw new ScenarioException(File, $"there is no case '{name}'", $"known: {string.Join(", ", Cases.Select(each => each.Name))}");
        return at < 0 ? found : found.On(name[(at + 1)..]);
    }
}

/// <summary>One case: all that decides the boot, how it is explored, and what must come out.</summary>
/// <param name="Scenario">Name of the scenario.</param>
/// <param name="Name">The case's key in the file.</param>
/// <param name="Plan">All that decides the boot.</param>
/// <param name="Explore">How it is explored.</param>
/// <param name="Expected">What must be found; empty for "clean".</param>
/// <param name="Known">What may be found although it is not what the case is about, each with its source.</param>
/// <param name="RacesAreRed">True when an unexpected data race spoils the verdict.</param>
public sealed record ScenarioCase(
    string Scenario,
    string Name,
    BootPlan Plan,
    ExploreSettings Explore,
    ImmutableArray<Expectation> Expected,
    ImmutableArray<FindingMatcher> Known,
    bool RacesAreRed)
{
    /// <summary>Where the case stands in its file, for diagnostics.</summary>
    public string Place { get; init; } = string.Empty;

    /// <summary>The same case on another era.</summary>
    /// <param name="profile">Name of the era.</param>
    /// <returns>The case, called <c>name@profile</c>; this one when the era is its own.</returns>
    /// <exception cref="ScenarioException">There is no such era.</exception>
    public ScenarioCase On(string profile)
    {
        var found = ProfileCatalog.Find(profile) ?? throw new ScenarioException(profile, "there is no such profile", $"known: {string.Join(", ", ProfileCatalog.All.Select(each => each.Name))}");
        return found == Plan.Profile ? this : this with { Name = $"{Name}@{profile}", Plan = Plan with { Profile = found } };
    }
}

/// <summary>How a case is explored.</summary>
public sealed record ExploreSettings
{
    /// <summary>Name of the strategy.</summary>
    public string Strategy { get; init; } = Exploration.Strategies.StrategyCatalog.Random;

    /// <summary>The budget in schedules; null for none, which only a search and a budget in time allow.</summary>
    public long? Schedules { get; init; } = 10_000;

    /// <summary>The budget in time; null for none.</summary>
    public TimeSpan? Time { get; init; }

    /// <summary>A sampler ends after so many schedules that showed nothing new, at least 1; null for never.</summary>
    public long? Saturation { get; init; }

    /// <summary>Seed of random choices.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Preemptions that a search allows; null for all.</summary>
    public int? ContextBound { get; init; }

    /// <summary>True when a schedule goes on after an oops.</summary>
    public bool GoOnAfterOops { get; init; }

    /// <summary>True to spread one SoC's grains over the silos of a cluster; matters there alone.</summary>
    public bool Scatter { get; init; }

    /// <summary>A schedule that takes more steps than this makes no progress.</summary>
    public int MaxSteps { get; init; } = 200_000;
}
