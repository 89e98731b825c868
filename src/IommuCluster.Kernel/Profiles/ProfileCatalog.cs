using System.Collections.Immutable;

namespace IommuCluster.Kernel.Profiles;

/// <summary>All eras, oldest first. Adding one is one file and one line here.</summary>
public static class ProfileCatalog
{
    /// <summary>All profiles, oldest first.</summary>
    public static ImmutableArray<Profile> All { get; } =
    [
        Linux415.Profile,
        Linux416.Profile,
        Linux517.Profile,
        Linux519.Profile,
        Linux61Rc7.Profile,
        Linux62.Profile,
        Linux66.Profile,
        Linux68.Profile,
        LinuxNext20240430.Profile,
        Linux610.Profile,
    ];

    /// <summary>Finds a profile by name.</summary>
    /// <param name="name">A name, as <c>linux-6.6</c>.</param>
    /// <returns>The profile, or null.</returns>
    public static Profile? Find(string name) => All.FirstOrDefault(profile => profile.Name == name);
}
