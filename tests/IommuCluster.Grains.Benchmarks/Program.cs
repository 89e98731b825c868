using IommuCluster.Grains.Benchmarks;

// One verb a benchmark: dotnet run -c Release --project tests/IommuCluster.Grains.Benchmarks -- steps
return args.FirstOrDefault() switch
{
    "steps" => await StepsBenchmark.RunAsync(args[1..]),
    "agree" => await AgreeBenchmark.RunAsync(Number(1, 200)),
    "loop" => await StepsBenchmark.LoopAsync(TimeSpan.FromSeconds(Number(1, 30)), (short)Number(2, 1), Word(3, "s21-fwspec-race"), Word(4, "fix")),
    "scale" => await ScaleBenchmark.RunAsync(Number(1, 10_000), (short)Number(2, 3), Word(3, "s21-fwspec-race"), Word(4, "fix"), Number(5, 64)),
    "find" => await FindBenchmark.RunAsync(),
    _ => Usage(),
};

string Word(int place, string otherwise) => args.Length > place ? args[place] : otherwise;

int Number(int place, int otherwise) => args.Length > place ? int.Parse(args[place], System.Globalization.CultureInfo.InvariantCulture) : otherwise;

static int Usage()
{
    Console.Error.WriteLine("Which benchmark? steps [ROW...] (grain steps a second and what a bare Orleans ping reaches), scale [SOCS] [SILOS] [SCENARIO] [CASE] [AT_ONCE] (what a SoC costs as there are more and more of them), agree [SCHEDULES] (random schedules on both runtimes), loop [SECONDS] [SILOS] [SCENARIO] [CASE] (boots again and again, for a profiler), find (boots until free concurrency shows what scenarios expect)");
    return 2;
}
