namespace IommuCluster.Benchmarks;

/// <summary>A benchmark with a verb of its own.</summary>
internal interface IBenchmark
{
    /// <summary>How it is asked for.</summary>
    string Verb { get; }

    /// <summary>What it measures, in a few words.</summary>
    string Summary { get; }

    /// <summary>Measures and prints.</summary>
    void Run();
}
