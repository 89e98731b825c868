using IommuCluster.Kernel.Memory;

namespace IommuCluster.Kernel.Tests.Memory;

public sealed class AddressTests
{
    [Theory]
    [InlineData(HomeKind.Soc, 0, 0, 0)]
    [InlineData(HomeKind.Device, 131_071, 1, 2)]
    [InlineData(HomeKind.Iommu, 5, 1023, 65_535)]
    [InlineData(HomeKind.Domain, 77, 3, 4)]
    public void Create_KeepsHomeAndThread(HomeKind kind, int index, int thread, int count)
    {
        var address = Address.Create(new Home(kind, index), thread, count);

        Assert.Equal((new Home(kind, index), thread), (address.Home, address.Thread));
        Assert.True(address.IsObject);
        Assert.False(address.IsNull || address.IsError);
        Assert.Equal(0, address.Offset);
        Assert.Equal((address, 9), (address.Plus(9).Object, address.Plus(9).Offset));
    }

    [Fact]
    public void Create_DifferentAllocations_HaveDifferentAddresses()
    {
        var addresses =
            from kind in Enum.GetValues<HomeKind>() from index in new[] { 0, 1, 131_071 }
            from thread in new[] { 0, 1, 1023 } from count in new[] { 0, 1, 65_535 }
            select Address.Create(new Home(kind, index), thread, count);
        var all = addresses.ToList();

        Assert.Equal(all.Count, all.Distinct().Count());
    }

    [Theory]
    [InlineData(131_072, 0, 0)]
    [InlineData(0, 1024, 0)]
    [InlineData(0, 0, 65_536)]
    [InlineData(-1, 0, 0)]
    public void Create_PastTheFormat_IsOurOwnFault(int index, int thread, int count) =>
        Assert.Throws<InvalidOperationException>(() => Address.Create(new Home(HomeKind.Device, index), thread, count));

    [Fact]
    public void MadeBy_PastTheFormat_IsOurOwnFault()
    {
        Assert.Equal(new Home(HomeKind.Group, (3 << 7) | 5), Home.MadeBy(HomeKind.Group, 3, 5));
        Assert.Throws<InvalidOperationException>(() => Home.MadeBy(HomeKind.Group, 3, 128));
        Assert.Throws<InvalidOperationException>(() => Home.MadeBy(HomeKind.Group, 1024, 0));
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(4095UL)]
    [InlineData(Address.Poison)]
    [InlineData(0xffffffffffffffffUL)]
    public void IsObject_OfOtherValues_IsFalse(ulong value) => Assert.False(new Address(value).IsObject);

    [Fact]
    public void FromError_GoesBackAndForth()
    {
        var address = Address.FromError(Errno.EProbeDefer);

        Assert.True(address.IsError);
        Assert.Equal(Errno.EProbeDefer, address.ToError());
        Assert.Equal("-EPROBE_DEFER", address.ToString());
        Assert.Equal("NULL", Address.Null.ToString());
    }

    [Fact]
    public void Word_RoundTrip_KeepsTheBits()
    {
        Assert.Equal(-5L, Word.To<long>(Word.From(-5L)));
        Assert.Equal(-5, Word.To<int>(Word.From(-5)));
        Assert.Equal(0xfffffffbUL, Word.From(-5));
        Assert.Equal((byte)7, Word.To<byte>(0xff07));
        Assert.True(Word.To<bool>(Word.From(true)));
    }
}
