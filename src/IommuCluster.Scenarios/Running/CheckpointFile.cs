using System.Text.Json;
using System.Text.Json.Serialization;
using IommuCluster.Exploration.Runs;
using IommuCluster.Kernel.Memory;
using IommuCluster.Scenarios.Format;

namespace IommuCluster.Scenarios.Running;

/// <summary>Where a run stands.</summary>
/// <param name="Elapsed">Time that it took so far.</param>
/// <param name="Campaign">What it has done and seen.</param>
public sealed record Checkpoint(TimeSpan Elapsed, CampaignState Campaign)
{
    /// <summary>Nothing was run yet.</summary>
    public static Checkpoint Start { get; } = new(TimeSpan.Zero, CampaignState.Start);
}

/// <summary>
/// Where a run stands, in a file: a line of JSON that tells what it was made for, a line of JSON with the campaign, and what
/// a search wrote. Written whole or not at all, so that a run that is killed at any moment goes on from the last one.
/// </summary>
/// <param name="path">The file.</param>
public sealed class CheckpointFile(string path)
{
    private const byte LineFeed = (byte)'\n';

    /// <summary>Reads the checkpoint of a case.</summary>
    /// <param name="scenarioCase">The case about to be run.</param>
    /// <returns>Where it stood, or null when there is no file yet.</returns>
    /// <exception cref="ScenarioException">The file is no checkpoint, or one of something else.</exception>
    public Checkpoint? Read(ScenarioCase scenarioCase)
    {
        if (Directory.Exists(path))
        {
            throw IsNone("it is a directory");
        }

        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            var bytes = File.ReadAllBytes(path);
            var campaign = AfterLine(bytes, 0);
            var head = JsonSerializer.Deserialize(bytes.AsSpan(0, campaign), CheckpointJson.Default.CheckpointHead) ?? throw new JsonException("it is empty");
            Check(head, scenarioCase);
            var search = AfterLine(bytes, campaign);
            return new Checkpoint(TimeSpan.FromMilliseconds(head.ElapsedMs), RunsWire.ReadState(bytes.AsSpan(campaign, search - campaign)) with { Search = bytes.AsMemory(search) });
        }
        catch (JsonException bad)
        {
            throw IsNone(bad.Message);
        }
        catch (Exception bad) when (bad is IOException or UnauthorizedAccessException)
        {
            throw OutOfReach(bad);
        }
    }

    /// <summary>Writes the checkpoint of a case, in the place of the one before.</summary>
    /// <param name="scenarioCase">The case.</param>
    /// <param name="checkpoint">Where it stands.</param>
    /// <exception cref="ScenarioException">It cannot be written; the one before is still there.</exception>
    public void Write(ScenarioCase scenarioCase, Checkpoint checkpoint)
    {
        var next = path + ".next";
        try
        {
            Write(next, scenarioCase, checkpoint);
            File.Move(next, path, overwrite: true);
        }
        catch (Exception bad) when (bad is IOException or UnauthorizedAccessException)
        {
            throw OutOfReach(bad);
        }
    }

    /// <summary>What to say of a file that is no checkpoint, or damaged.</summary>
    /// <param name="why">What is wrong.</param>
    /// <returns>The message.</returns>
    internal ScenarioException IsNone(string why) =>
        new(path, $"no checkpoint: {why}", "give a file that an earlier run wrote with --checkpoint, or one that is not there yet");

    private ScenarioException OutOfReach(Exception why) => new($"--checkpoint {path}", why.Message.TrimEnd('.'), "give a file that can be written");

    private static void Write(string file, ScenarioCase scenarioCase, Checkpoint checkpoint)
    {
        using var stream = File.Create(file);
        JsonSerializer.Serialize(stream, new CheckpointHead(MadeFor(scenarioCase), Build, checkpoint.Elapsed.TotalMilliseconds), CheckpointJson.Default.CheckpointHead);
        stream.WriteByte(LineFeed);
        stream.Write(RunsWire.Write(checkpoint.Campaign with { Search = default }));
        stream.WriteByte(LineFeed);
        stream.Write(checkpoint.Campaign.Search.Span);
        stream.Flush(flushToDisk: true);
    }

    private static int AfterLine(byte[] bytes, int at) => Array.IndexOf(bytes, LineFeed, at) is >= 0 and var end ? end + 1 : throw new JsonException("it is cut off");

    private void Check(CheckpointHead head, ScenarioCase scenarioCase)
    {
        if (head.MadeFor != MadeFor(scenarioCase))
        {
            throw new ScenarioException(path, $"the checkpoint is of another run: {head.MadeFor}; this one is {MadeFor(scenarioCase)}", "give the options that it was made with, or another file");
        }

        if (head.Build != Build)
        {
            throw new ScenarioException(path, "the checkpoint was made by another build of the program, whose model may differ", "begin anew with another file");
        }
    }

    /// <summary>The parts of the program that decide what a schedule does.</summary>
    private static string Build => $"{typeof(KernelThread).Module.ModuleVersionId}/{typeof(Campaign).Module.ModuleVersionId}";

    private static string MadeFor(ScenarioCase scenarioCase)
    {
        var explore = scenarioCase.Explore;
        var bound = explore.ContextBound is { } preemptions ? $", at most {preemptions} preemptions" : string.Empty;
        return $"{scenarioCase.Scenario}/{scenarioCase.Name} (digest {ScenarioToken.DigestOf(scenarioCase)}), strategy {explore.Strategy}, seed {explore.Seed}{bound}";
    }
}

/// <summary>The first line of a checkpoint.</summary>
internal sealed record CheckpointHead(string MadeFor, string Build, double ElapsedMs);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(CheckpointHead))]
internal sealed partial class CheckpointJson : JsonSerializerContext;
