namespace IommuCluster.Silo.Hosting;

/// <summary>How silos find each other.</summary>
public enum Clustering
{
    /// <summary>Silos of one machine: they ask the one at the primary port. What runs keep is lost with the silo that has it.</summary>
    Localhost,

    /// <summary>Silos anywhere, through a table in PostgreSQL, which keeps runs as well.</summary>
    AdoNet,
}

/// <summary>The settings of a silo: section <c>IommuCluster</c> of appsettings.json. The defaults are those of the shipped file.</summary>
public sealed record SiloSettings
{
    /// <summary>Name of the section.</summary>
    public const string Section = "IommuCluster";

    /// <summary>Silos with the same id are one cluster.</summary>
    public string ClusterId { get; init; } = "iommucluster";

    /// <summary>Under which runs are kept: stays the same when the cluster is replaced.</summary>
    public string ServiceId { get; init; } = "iommucluster";

    /// <summary>How silos find each other.</summary>
    public Clustering Clustering { get; init; } = Clustering.Localhost;

    /// <summary>Npgsql's connection string; needed with <see cref="Clustering.AdoNet"/>.</summary>
    public string ConnectionString { get; init; } = string.Empty;

    /// <summary>Port for other silos, 1 to 65535.</summary>
    public int SiloPort { get; init; } = 11111;

    /// <summary>Port for clients, 1 to 65535.</summary>
    public int GatewayPort { get; init; } = 30000;

    /// <summary>With <see cref="Clustering.Localhost"/>: the <see cref="SiloPort"/> of the silo that keeps the list of silos. It starts first.</summary>
    public int PrimaryPort { get; init; } = 11111;

    /// <summary>With <see cref="Clustering.AdoNet"/>: the IP address under which other silos reach this one; empty for the machine's own.</summary>
    public string AdvertisedAddress { get; init; } = string.Empty;

    /// <summary>Where the HTTP API listens. TLS is for whoever stands in front of it.</summary>
    public string HttpUrl { get; init; } = "http://127.0.0.1:5080";

    /// <summary>The bearer token that the API asks for; may be empty only on a loopback address.</summary>
    public string HttpToken { get; init; } = string.Empty;

    /// <summary>Directory from which <c>scenarios/</c> is looked for, upwards; empty for the current and the program's own.</summary>
    public string ScenarioPlace { get; init; } = string.Empty;

    /// <summary>Slices of a run that the cluster does at the same time, 1 to 256.</summary>
    public int SlicesAtOnce { get; init; } = 4;

    /// <summary>Silos ask each other so often, in seconds, whether they are there, 1 to 60; one that is silent three times is given up, and what it did begins again elsewhere.</summary>
    public int ProbeSeconds { get; init; } = 5;
}
