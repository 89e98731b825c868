using IommuCluster.Kernel.Checking;

namespace IommuCluster.Exploration.Runs;

/// <summary>Findings are equal when their ids are; their messages may differ.</summary>
internal sealed class SameFinding : IEqualityComparer<Finding>
{
    /// <summary>The only one.</summary>
    public static readonly SameFinding Instance = new();

    /// <inheritdoc/>
    public bool Equals(Finding? x, Finding? y) => ReferenceEquals(x, y) || (x is not null && y is not null && x.IsSameAs(y));

    /// <inheritdoc/>
    public int GetHashCode(Finding finding) => unchecked((int)StableHash.Of(finding.Function, finding.ObjectType, finding.Field, finding.Other) + (int)finding.Kind);
}
