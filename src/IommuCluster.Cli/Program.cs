using System.Runtime.InteropServices;
using IommuCluster.Cli;
using IommuCluster.Cli.Output;
using CancellationTokenSource = System.Threading.CancellationTokenSource;

using var interrupted = new CancellationTokenSource();

// The first interrupt ends the run in order, so that what was seen is told; the second one ends the process.
using var registration = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
{
    if (!interrupted.IsCancellationRequested)
    {
        signal.Cancel = true;
        interrupted.Cancel();
    }
});

return await CliApplication.RunAsync(args, CliContext.OfProcess(), interrupted.Token);
