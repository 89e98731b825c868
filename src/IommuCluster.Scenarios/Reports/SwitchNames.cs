using System.Collections.Immutable;
using IommuCluster.Kernel.Profiles;

namespace IommuCluster.Scenarios.Reports;

/// <summary>Names of the profile switches that a run's flows asked for, and of those that they did not.</summary>
internal static class SwitchNames
{
    /// <summary>Tells them apart.</summary>
    /// <param name="asked">A bit for each switch that was asked for; 0 where nobody took note.</param>
    /// <returns>Names in the order of <see cref="ProfileSwitches.Names"/>; none of either when nobody took note.</returns>
    internal static (ImmutableArray<string> Asked, ImmutableArray<string> Left) Of(ulong asked)
    {
        var places = ProfileSwitches.Names.Select((name, place) => (Name: name, IsAsked: (asked >> place & 1) != 0)).ToLookup(switchAt => switchAt.IsAsked, switchAt => switchAt.Name);
        return asked == 0 ? ([], []) : ([.. places[true]], [.. places[false]]);
    }
}
