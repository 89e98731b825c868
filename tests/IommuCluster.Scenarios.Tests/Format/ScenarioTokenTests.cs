using IommuCluster.Exploration.Replay;
using IommuCluster.Scenarios.Format;
using IommuCluster.Scenarios.Tests.Support;

namespace IommuCluster.Scenarios.Tests.Format;

public sealed class ScenarioTokenTests
{
    private static readonly Schedule s_one = new([new Deviation(3, 1), new Deviation(90, 2)]);

    [Fact]
    public void Parse_OfToString_IsTheSame()
    {
        var token = new ScenarioToken("my stories/s 100%.yaml", "bug", "0123abcd", [Schedule.Default, s_one]);

        var text = token.ToString();
        var read = ScenarioToken.Parse(text);

        Assert.DoesNotContain(' ', text);
        Assert.Equal((token.Scenario, token.Case, token.Digest), (read.Scenario, read.Case, read.Digest));
        Assert.Equal(token.Schedules.Select(each => each.Encode()), read.Schedules.Select(each => each.Encode()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/b/c")]
    [InlineData("a/b/1234567/.")]
    [InlineData("a/b/12345678/")]
    [InlineData("a/b/12345678/!!")]
    [InlineData("a/b/12345678/.+")]
    public void Parse_NoToken_IsRefused(string text) => Assert.Throws<ScenarioException>(() => ScenarioToken.Parse(text));

    [Fact]
    public void DigestOf_SameCaseReadTwice_IsEqual() =>
        Assert.Equal(ScenarioToken.DigestOf(Texts.Read(Texts.Whole).Cases[0]), ScenarioToken.DigestOf(Texts.Read(Texts.Whole).Cases[0]));

    [Theory]
    [InlineData("firmware-links: strict", "firmware-links: on")]
    [InlineData("transfers: 3", "transfers: 4")]
    [InlineData("masters: [2000.ufs]", "masters: []")]
    [InlineData("context-banks: 8", "context-banks: 9")]
    [InlineData("firmware-links: strict", "firmware-links: strict\nboot-dma: [2000.ufs]")]
    [InlineData("firmware-links: strict", "firmware-links: strict\nusers: [unbind 2000.ufs]")]
    [InlineData("firmware-links: strict", "firmware-links: strict\ndeferred-timeout: races")]
    [InlineData("profile: linux-6.6", "profile: linux-6.2")]
    [InlineData("max-steps: 5000", "max-steps: 5001")]
    public void DigestOf_CaseThatRunsOtherwise_Differs(string before, string after) =>
        Assert.NotEqual(
            ScenarioToken.DigestOf(Texts.Read(Texts.Whole).Cases[0]),
            ScenarioToken.DigestOf(Texts.Read(Texts.Whole.Replace(before, after, StringComparison.Ordinal)).Cases[0]));

    [Theory]
    [InlineData("seed: 7", "seed: 8")]
    [InlineData("schedules: 100", "schedules: 101")]
    [InlineData("title: a toy", "title: another toy")]
    public void DigestOf_CaseThatRunsTheSame_IsEqual(string before, string after) =>
        Assert.Equal(
            ScenarioToken.DigestOf(Texts.Read(Texts.Whole).Cases[0]),
            ScenarioToken.DigestOf(Texts.Read(Texts.Whole.Replace(before, after, StringComparison.Ordinal)).Cases[0]));
}
