using System.Collections.Concurrent;
using IommuCluster.Grains.Contracts;

namespace IommuCluster.Grains.Tests.Support;

/// <summary>
/// A bad network: calls between the grains of a boot arrive twice, fail before they arrive, or arrive and lose their
/// answer. Which ones is decided by a hash of the message, and a message that is sent again arrives.
/// </summary>
internal sealed class Troubles : IIncomingGrainCallFilter
{
    private readonly ConcurrentDictionary<string, bool> _seen = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int> _met = new(StringComparer.Ordinal);

    /// <summary>Trouble and message, with how often they met.</summary>
    public IReadOnlyDictionary<string, int> Met => _met;

    public async Task Invoke(IIncomingGrainCallContext context)
    {
        switch (TroubleOf(context))
        {
            case 0:
                Note("lost", context);
                throw new TimeoutException("lost on its way");
            case 1:
                Note("twice", context);
                await context.Invoke();
                await RepeatAsync(context);
                break;
            case 2:
                Note("unanswered", context);
                await context.Invoke();
                throw new TimeoutException("its answer was lost");
            default:
                await context.Invoke();
                break;
        }
    }

    /// <summary>Only messages that may be sent again meet trouble: what is one way tells nobody that it was lost.</summary>
    private uint TroubleOf(IIncomingGrainCallContext context)
    {
        if (context.InterfaceMethod.DeclaringType?.Namespace != typeof(IMemoryGrain).Namespace || context.MethodName == nameof(IMemoryGrain.LetGoAsync))
        {
            return uint.MaxValue;
        }

        var message = $"{context.TargetId} {context.MethodName} {string.Join(' ', ArgumentsOf(context))}";
        return _seen.TryAdd(message, true) ? Kernel.Checking.StableHash.Of(message) % 8 : uint.MaxValue;
    }

    private static object?[] ArgumentsOf(IIncomingGrainCallContext context) =>
        [.. Enumerable.Range(0, context.Request.GetArgumentCount()).Select(context.Request.GetArgument)];

    private static async Task RepeatAsync(IIncomingGrainCallContext context)
    {
        var answer = context.ImplementationMethod.Invoke(context.Grain, ArgumentsOf(context))!;
        if (answer is ValueTask done)
        {
            await done;
        }
        else
        {
            await (Task)answer.GetType().GetMethod(nameof(ValueTask<>.AsTask))!.Invoke(answer, null)!;
        }
    }

    private void Note(string trouble, IIncomingGrainCallContext context) =>
        _met.AddOrUpdate($"{trouble} {context.MethodName}", 1, (_, count) => count + 1);
}
