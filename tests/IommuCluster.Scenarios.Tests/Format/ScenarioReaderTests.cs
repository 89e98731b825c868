using IommuCluster.Kernel.Checking;
using IommuCluster.Kernel.DriverCore;
using IommuCluster.Scenarios.Tests.Support;

namespace IommuCluster.Scenarios.Tests.Format;

public sealed class ScenarioReaderTests
{
    [Fact]
    public void Read_WholeScenario_HasEveryValue()
    {
        var scenario = Texts.Read(Texts.Whole);

        Assert.Equal("a toy that breaks", scenario.Title);
        Assert.Equal(["S21"], scenario.Systems.ToArray());
        Assert.Equal(["R07", "R08"], scenario.Catalogue.ToArray());
        Assert.Equal(["bug", "fix"], scenario.Cases.Select(each => each.Name));
        var bug = scenario.Cases[0];
        Assert.Equal("linux-6.6", bug.Plan.Profile.Name);
        Assert.Equal(["2000.ufs"], bug.Plan.Masters.ToArray());
        Assert.Equal(FirmwareLinks.Strict, bug.Plan.FirmwareLinks);
        Assert.Equal(3, bug.Plan.Transfers);
        Assert.Equal((DriverLoad.Module, ProbeMode.Asynchronous), (bug.Plan.Clients.Load, bug.Plan.Clients.Probe));
        Assert.Equal((100L, 7UL, false, 5000), (bug.Explore.Schedules!.Value, bug.Explore.Seed, bug.Explore.GoOnAfterOops, bug.Explore.MaxSteps));
        var expected = Assert.Single(bug.Expected);
        Assert.True(expected.Always);
        Assert.Equal((FindingKind.UseAfterFree, "dev_iommu", "fw"), (expected.Matcher.Kind, expected.Matcher.Type, expected.Matcher.Field));
    }

    [Fact]
    public void Read_CaseWithOverrides_IsMergedOverTheScenario()
    {
        var fix = Texts.Read(Texts.Whole).Cases[1];

        var driver = Assert.Single(fix.Plan.Drivers);
        Assert.Equal((DriverLoad.Module, ProbeMode.Asynchronous), (driver.Load, driver.Probe));
        Assert.Equal(["context-banks=16", "stream-map-entries=4"], driver.Switches.Select(pair => $"{pair.Key}={pair.Value}"));
        Assert.Equal(("states", null, 2, 7UL, true, true), (fix.Explore.Strategy, fix.Explore.Schedules, fix.Explore.ContextBound!.Value, fix.Explore.Seed, fix.Explore.GoOnAfterOops, fix.Explore.Scatter));
        Assert.Empty(fix.Expected);
        Assert.Equal("R17", Assert.Single(fix.Known).Source);
        Assert.True(fix.RacesAreRed);
    }

    [Fact]
    public void Read_WithoutOptionalKeys_HasDefaults()
    {
        var only = Texts.Read("""
            title: t
            board: toy
            cases:
              only: { profile: linux-6.6, expect: clean }
            """).Cases[0];

        Assert.Equal((FirmwareLinks.On, 2), (only.Plan.FirmwareLinks, only.Plan.Transfers));
        Assert.Equal(("random", 10_000L, 1UL, 200_000), (only.Explore.Strategy, only.Explore.Schedules!.Value, only.Explore.Seed, only.Explore.MaxSteps));
        Assert.Empty(only.Plan.Masters);
        Assert.False(only.RacesAreRed);
    }

    [Fact]
    public void Read_ManyMistakes_TellsAllAtOnceWithPlaceAndRemedy() => Assert.Equal(
        [
            "toy.yaml:2:8: board 'toi': no such board; did you mean 'toy'?",
            "toy.yaml:3:1: 'mastres' is unknown here; did you mean 'masters'?",
            "toy.yaml:4:22: strategy is 'randum'; did you mean 'random'?",
            "toy.yaml:4:41: schedules is 0; write at least 1",
            "toy.yaml:7:14: profile 'linux-6.66' is unknown; did you mean 'linux-6.6'?",
            "toy.yaml:9:20: finding 'use-after-fre' is no kind of finding; did you mean 'use-after-free'?",
            "toy.yaml:10:6: expect is missing; write `expect: clean`, or a list of `- { finding: use-after-free, function: NAME }`",
        ],
        Texts.ErrorsOf("""
            title: t
            board: toi
            mastres: [a]
            explore: { strategy: randum, schedules: 0 }
            cases:
              a:
                profile: linux-6.66
                expect:
                  - { finding: use-after-fre }
              b: { profile: linux-6.6 }
            """));

    [Theory]
    [InlineData("title: t\n\tboard: x", "toy.yaml:1:8: no YAML")]
    [InlineData("- a\n- b", "toy.yaml:1:1: no scenario")]
    [InlineData("", "toy.yaml:1:1: an empty file; a scenario starts with")]
    [InlineData("title: t\ntitle: u\nboard: toy\ncases: { a: { profile: linux-6.6, expect: clean } }", "toy.yaml:2:1: 'title' is given twice")]
    [InlineData("title: t\nboard: toy\ncases: { 'a b': { profile: linux-6.6, expect: clean } }", "toy.yaml:3:10: case name 'a b'")]
    [InlineData("title: t\nboard: toy\nmasters: [2001.ufs]\ncases: { a: { profile: linux-6.6, expect: clean } }", "toy.yaml:3:11: board toy has no master '2001.ufs'; did you mean '2000.ufs'?")]
    [InlineData("title: t\nboard: toy\nexplore: { schedules: null }\ncases: { a: { profile: linux-6.6, expect: clean } }", "toy.yaml:3:10: explore has no budget")]
    [InlineData("title: t\nboard: toy\nexplore: { strategy: random, schedules: 9, context-bound: 2 }\ncases: { a: { profile: linux-6.6, expect: clean } }", "toy.yaml:3:10: explore has a context-bound, and strategy random; only states keeps to a number of preemptions")]
    [InlineData("title: t\nboard: toy\nexplore: { time: 5 }\ncases: { a: { profile: linux-6.6, expect: clean } }", "toy.yaml:3:18: time is '5'; write a number with ms, s, m or h: 90s")]
    [InlineData("title: t\nboard: toy\ncases: { a: { profile: linux-6.6, expect: clean, known: [ { finding: hang } ] } }", "toy.yaml:3:59: source is missing")]
    [InlineData("title: t\nboard: toy", "toy.yaml:1:1: cases is missing")]
    public void Read_Mistake_SaysWhereAndWhat(string text, string message) =>
        Assert.StartsWith(message, Texts.ErrorsOf(text)[0], StringComparison.Ordinal);

    [Fact]
    public void Read_ScenarioCutAnywhere_IsRefusedOrRead()
    {
        for (var length = 0; length < Texts.Whole.Length; length++)
        {
            try
            {
                Texts.Read(Texts.Whole[..length]);
            }
            catch (IommuCluster.Scenarios.Format.ScenarioException bad)
            {
                Assert.All(bad.Diagnostics, diagnostic => Assert.True(diagnostic.Line > 0));
            }
        }
    }
}
