using IommuCluster.Benchmarks;

// One verb a benchmark: dotnet run -c Release --project tests/IommuCluster.Benchmarks -- yardstick
IBenchmark[] benchmarks =
[
    new YardstickBenchmark(),
    new CoresBenchmark([.. args.Skip(1)]),
    new ScenarioBenchmark(),
    new FirstFindingBenchmark(),
    ProfileLoop.OfM,
    ProfileLoop.OfBoard,
    new InputBenchmark(args.Length > 1 && int.TryParse(args[1], out var count) ? count : 25_000),
    new BootsBenchmark(),
    new OrdersBenchmark(args.Length > 1 && int.TryParse(args[1], out var seconds) ? seconds : 10),
    new ReachBenchmark(args.Length > 1 && int.TryParse(args[1], out var limit) ? limit : 60, [.. args.Skip(2)]),
    new ReductionBenchmark(args.Length > 1 && int.TryParse(args[1], out var programs) ? programs : 4_000),
];
var benchmark = benchmarks.FirstOrDefault(candidate => candidate.Verb == args.FirstOrDefault());
if (benchmark is null)
{
    Console.Error.WriteLine($"Which benchmark? {string.Join(", ", benchmarks.Select(candidate => $"{candidate.Verb} ({candidate.Summary})"))}");
    return 2;
}

benchmark.Run();
return 0;
