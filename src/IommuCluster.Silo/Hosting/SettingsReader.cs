using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using IommuCluster.Boards;
using IommuCluster.Scenarios.Format;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace IommuCluster.Silo.Hosting;

/// <summary>Reads a silo's settings and says everything that is wrong with them at once.</summary>
internal sealed class SettingsReader
{
    /// <summary>The shortest token that is taken, in characters.</summary>
    public const int MinTokenLength = 16;

    private static readonly FrozenSet<string> s_keys = typeof(SiloSettings).GetProperties()
        .Where(property => property.CanWrite && property.Name != "EqualityContract").Select(property => property.Name).ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private readonly IConfigurationSection _section;
    private readonly ImmutableArray<BoardDiagnostic>.Builder _errors = ImmutableArray.CreateBuilder<BoardDiagnostic>();

    private SettingsReader(IConfiguration configuration) => _section = configuration.GetSection(SiloSettings.Section);

    /// <summary>Reads the settings.</summary>
    /// <param name="configuration">Files, environment and command line, the last one to say something wins.</param>
    /// <returns>The settings.</returns>
    /// <exception cref="ScenarioException">With everything that is wrong.</exception>
    public static SiloSettings Read(IConfiguration configuration)
    {
        var reader = new SettingsReader(configuration);
        var settings = reader.Read();
        return reader._errors.Count == 0 ? settings : throw new ScenarioException(reader._errors.ToImmutable());
    }

    private SiloSettings Read()
    {
        foreach (var child in _section.GetChildren().Where(child => !s_keys.Contains(child.Key)))
        {
            Error(child.Key, "there is no such setting", Nearest.To(child.Key, s_keys) is { } near ? $"did you mean '{near}'?" : $"known are {string.Join(", ", s_keys.Order(StringComparer.Ordinal))}");
        }

        var defaults = new SiloSettings();
        var settings = new SiloSettings
        {
            ClusterId = Name(nameof(SiloSettings.ClusterId), defaults.ClusterId),
            ServiceId = Name(nameof(SiloSettings.ServiceId), defaults.ServiceId),
            Clustering = ReadClustering(defaults.Clustering),
            ConnectionString = Text(nameof(SiloSettings.ConnectionString), defaults.ConnectionString),
            SiloPort = Number(nameof(SiloSettings.SiloPort), defaults.SiloPort, 65535),
            GatewayPort = Number(nameof(SiloSettings.GatewayPort), defaults.GatewayPort, 65535),
            PrimaryPort = Number(nameof(SiloSettings.PrimaryPort), defaults.PrimaryPort, 65535),
            AdvertisedAddress = Text(nameof(SiloSettings.AdvertisedAddress), defaults.AdvertisedAddress),
            HttpUrl = Text(nameof(SiloSettings.HttpUrl), defaults.HttpUrl),
            HttpToken = Text(nameof(SiloSettings.HttpToken), defaults.HttpToken),
            ScenarioPlace = Text(nameof(SiloSettings.ScenarioPlace), defaults.ScenarioPlace),
            SlicesAtOnce = Number(nameof(SiloSettings.SlicesAtOnce), defaults.SlicesAtOnce, 256),
            ProbeSeconds = Number(nameof(SiloSettings.ProbeSeconds), defaults.ProbeSeconds, 60),
        };
        CheckCluster(settings);
        CheckHttp(settings);
        return settings;
    }

    private void CheckCluster(SiloSettings settings)
    {
        if (settings.SiloPort == settings.GatewayPort)
        {
            Error(nameof(SiloSettings.GatewayPort), $"{settings.GatewayPort} is the SiloPort, too", "give each a port of its own");
        }

        if (settings.Clustering == Clustering.AdoNet)
        {
            CheckConnection(settings.ConnectionString);
        }

        if (settings.AdvertisedAddress.Length > 0 && !IPAddress.TryParse(settings.AdvertisedAddress, out _))
        {
            Error(nameof(SiloSettings.AdvertisedAddress), $"'{settings.AdvertisedAddress}' is no IP address", "give one that the other silos reach, or leave it empty");
        }

        if (settings.ScenarioPlace.Length > 0 && !Directory.Exists(settings.ScenarioPlace))
        {
            Error(nameof(SiloSettings.ScenarioPlace), $"there is no directory '{settings.ScenarioPlace}'", "give the directory that holds scenarios/, or leave it empty");
        }
    }

    private void CheckConnection(string text)
    {
        const string Remedy = "write \"Host=...;Database=...;Username=...;Password=...\"";
        try
        {
            if (string.IsNullOrEmpty(new NpgsqlConnectionStringBuilder(text).Host))
            {
                Error(nameof(SiloSettings.ConnectionString), "names no host, and clustering is adonet", Remedy);
            }
        }
        catch (Exception bad) when (bad is ArgumentException or FormatException)
        {
            Error(nameof(SiloSettings.ConnectionString), bad.Message.TrimEnd('.'), Remedy);
        }
    }

    private void CheckHttp(SiloSettings settings)
    {
        if (!Uri.TryCreate(settings.HttpUrl, UriKind.Absolute, out var url) || url.Scheme != Uri.UriSchemeHttp || url.PathAndQuery != "/")
        {
            Error(nameof(SiloSettings.HttpUrl), $"'{settings.HttpUrl}' is no http:// address", "write \"http://127.0.0.1:5080\"; for TLS put a proxy in front");
            return;
        }

        if (settings.HttpToken.Length == 0 && !url.IsLoopback)
        {
            Error(nameof(SiloSettings.HttpToken), $"is empty, and the API listens at {settings.HttpUrl}, which others reach", $"set a secret of {MinTokenLength} characters or more, or listen at 127.0.0.1");
        }
        else if (settings.HttpToken.Length is > 0 and < MinTokenLength)
        {
            Error(nameof(SiloSettings.HttpToken), $"has {settings.HttpToken.Length} characters", $"give at least {MinTokenLength}: openssl rand -hex 32");
        }
    }

    private string Text(string key, string otherwise) => _section[key] ?? otherwise;

    private string Name(string key, string otherwise)
    {
        var name = Text(key, otherwise);
        if (name.Length is 0 or > 100)
        {
            Error(key, $"has {name.Length} characters", "give a name of 1 to 100");
        }

        return name;
    }

    private int Number(string key, int otherwise, int most)
    {
        if (_section[key] is not { } text)
        {
            return otherwise;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= 1 && value <= most)
        {
            return value;
        }

        Error(key, $"is '{text}'", $"give a number from 1 to {most}");
        return otherwise;
    }

    private Clustering ReadClustering(Clustering otherwise)
    {
        switch (_section[nameof(SiloSettings.Clustering)])
        {
            case null:
                return otherwise;
            case var text when text.Equals("localhost", StringComparison.OrdinalIgnoreCase):
                return Clustering.Localhost;
            case var text when text.Equals("adonet", StringComparison.OrdinalIgnoreCase):
                return Clustering.AdoNet;
            case var text:
                Error(nameof(SiloSettings.Clustering), $"is '{text}'", "write localhost or adonet");
                return otherwise;
        }
    }

    private void Error(string key, string reason, string remedy) => _errors.Add(new BoardDiagnostic($"{SiloSettings.Section}:{key}", reason, remedy));
}
