using IommuCluster.Grains.Benchmarks;

// One verb a benchmark: dotnet run -c Release --project tests/IommuCluster.Grains.Benchmarks -- steps
return args.FirstOrDefault() switch
{
    "steps" => await StepsBenchmark.RunAsync(),
    "agree" => await AgreeBenchmark.RunAsync(args.Length > 1 ? int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) : 200),
    "find" => await FindBenchmark.RunAsync(),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("Which benchmark? steps (grain steps a second and what a bare Orleans ping reaches), agree [SCHEDULES] (random schedules on both runtimes), find (boots until free concurrency shows what scenarios expect)");
    return 2;
}
