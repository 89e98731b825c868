namespace IommuCluster.Grains.Tests;

public sealed class ContractsTests
{
    [Fact]
    public void Build_PackagesThere_IncludesCluster() =>
        Assert.NotNull(Type.GetType("Orleans.Grain, Orleans.Core.Abstractions"));
}
