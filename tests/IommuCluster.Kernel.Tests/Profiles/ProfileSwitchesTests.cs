using System.Reflection;
using IommuCluster.Kernel.Profiles;

namespace IommuCluster.Kernel.Tests.Profiles;

public sealed class ProfileSwitchesTests
{
    private static readonly string[] s_prose = [nameof(Profile.Name), nameof(Profile.Summary), nameof(Profile.Era)];

    public static TheoryData<string> Switches => [.. NamesOfSwitches()];

    [Theory]
    [MemberData(nameof(Switches))]
    public void Switch_AskedFor_AnswersTheErasValueAndIsNoted(string name)
    {
        foreach (var profile in ProfileCatalog.All)
        {
            var switches = new ProfileSwitches(profile);

            Assert.Equal(typeof(Profile).GetProperty(name)!.GetValue(profile), typeof(ProfileSwitches).GetProperty(name)?.GetValue(switches));
            Assert.Equal(1UL << ProfileSwitches.Names.IndexOf(name), switches.Asked);
        }
    }

    [Fact]
    public void Names_AreThoseOfTheSwitches() => Assert.Equal(NamesOfSwitches().Order(StringComparer.Ordinal), ProfileSwitches.Names.Order(StringComparer.Ordinal));

    private static IEnumerable<string> NamesOfSwitches() =>
        typeof(Profile).GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(property => property.Name).Except(s_prose);
}
