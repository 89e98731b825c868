using IommuCluster.Exploration.Replay;
using IommuCluster.TestKit;

namespace IommuCluster.Exploration.Tests.Replay;

public sealed class ScheduleTests
{
    [Fact]
    public void Encode_OfTheDefault_IsEmpty()
    {
        Assert.Equal(string.Empty, Schedule.Default.Encode());
        Assert.Empty(Schedule.Decode(string.Empty)!.Deviations);
    }

    [Fact]
    public void EncodeDecode_RandomSchedules_RoundTrip()
    {
        var random = new SeededRandom(1);
        for (var round = 0; round < 500; round++)
        {
            var choice = -1;
            var deviations = new List<Deviation>();
            for (var i = random.Below(60); i > 0; i--)
            {
                choice += 1 + random.Below(random.OneIn(5) ? 1_000_000 : 20);
                deviations.Add(new Deviation(choice, random.Below(64)));
            }

            var text = new Schedule([.. deviations]).Encode();
            Assert.Matches("^[A-Za-z0-9_-]*$", text);
            Assert.Equal(deviations, Schedule.Decode(text)!.Deviations);
        }
    }

    [Fact]
    public void EncodeDecode_Extremes_RoundTrip()
    {
        var schedule = new Schedule([new Deviation(0, 0), new Deviation(1, 63), new Deviation(int.MaxValue, 5)]);

        Assert.Equal(schedule.Deviations.AsEnumerable(), Schedule.Decode(schedule.Encode())!.Deviations);
    }

    [Theory]
    [InlineData("*")]
    [InlineData("A")]
    [InlineData("AA")] // A gap without a slot.
    [InlineData("gA")] // A number that does not end.
    [InlineData("AEA")] // Slot 64.
    [InlineData("_____w8A")] // A choice past the largest.
    [InlineData("gAAB")] // Zero in two bytes.
    [InlineData("AAE=")] // Padded.
    [InlineData(" AAE")]
    [InlineData("AAE ")]
    [InlineData("AAF")] // Bits behind the last byte.
    [InlineData("Ä")]
    public void Decode_OfRubbish_IsNull(string text) => Assert.Null(Schedule.Decode(text));

    [Fact]
    public void Decode_OfAnyText_NeverThrowsAndIsExact()
    {
        const string Letters = "ABCDEwxyz0123456789-_= \n*";
        var random = new SeededRandom(2);
        for (var round = 0; round < 5000; round++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Below(12)).Select(_ => Letters[random.Below(Letters.Length)]));
            if (Schedule.Decode(text) is { } schedule)
            {
                Assert.Equal(text, schedule.Encode());
            }
        }
    }
}
