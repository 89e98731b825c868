using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using IommuCluster.Silo.Runs;

namespace IommuCluster.Silo.Api;

/// <summary>What is wrong with a request, a line each.</summary>
/// <param name="Errors">What, where, how to mend it.</param>
internal sealed record ErrorsJson(ImmutableArray<string> Errors);

/// <summary>The runs that the cluster remembers.</summary>
/// <param name="Runs">The newest first.</param>
internal sealed record RunsJson(ImmutableArray<RunStatus> Runs);

/// <summary>The scenarios that can be ordered by name.</summary>
/// <param name="Scenarios">In order.</param>
internal sealed record ScenariosJson(ImmutableArray<string> Scenarios);

/// <summary>A silo of the cluster.</summary>
/// <param name="Address">Where it is.</param>
/// <param name="Status">How it is (<c>active</c>, <c>dead</c>).</param>
internal sealed record SiloJson(string Address, string Status);

/// <summary>The silos of the cluster.</summary>
/// <param name="Silos">By address.</param>
internal sealed record ClusterJson(ImmutableArray<SiloJson> Silos);

/// <summary>The JSON of the API: camelCase, numbers as numbers, unknown properties refused.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, NumberHandling = JsonNumberHandling.Strict)]
[JsonSerializable(typeof(RunOrder))]
[JsonSerializable(typeof(RunStatus))]
[JsonSerializable(typeof(RunsJson))]
[JsonSerializable(typeof(ErrorsJson))]
[JsonSerializable(typeof(ScenariosJson))]
[JsonSerializable(typeof(ClusterJson))]
internal sealed partial class ApiJson : JsonSerializerContext;
