using IommuCluster.Exploration.Runtime;
using IommuCluster.Kernel.Memory;

namespace IommuCluster.Exploration.Reduction;

/// <summary>Objects whose address never left the thread that made them, as the steps tell: in an object of its own it may have been stored.</summary>
internal sealed class PrivateObjects
{
    private readonly Dictionary<ulong, int> _owners = [];
    private readonly List<(ulong Inside, ulong Of)> _stored = [];

    /// <summary>Begins a stage: what was made before is known to all.</summary>
    public void BeginStage()
    {
        _owners.Clear();
        _stored.Clear();
    }

    /// <summary>Takes notice of an allocation.</summary>
    /// <param name="made">The object.</param>
    /// <param name="thread">Id of the thread that made it.</param>
    public void Add(ulong made, int thread) => _owners[made] = thread;

    /// <summary>The thread that alone knows an object.</summary>
    /// <param name="made">The object.</param>
    /// <returns>Its id, or null when others may know the object.</returns>
    public int? OwnerOf(ulong made) => _owners.TryGetValue(made, out var owner) ? owner : null;

    /// <summary>Takes notice of a step that may store the address of such an object.</summary>
    /// <param name="step">The step.</param>
    /// <param name="isPrivate">True when it stores into an object that nobody else knows.</param>
    public void Publish(in TraceEntry step, bool isPrivate)
    {
        if (step.Kind is not (StepKind.Store or StepKind.Add or StepKind.Exchange or StepKind.CompareExchange))
        {
            return;
        }

        var value = new Address(step.Value);
        if (!value.IsObject || !_owners.ContainsKey(value.Object.Value))
        {
            return;
        }

        if (isPrivate)
        {
            _stored.Add((value.Object.Value, step.Base.Object.Value));
        }
        else
        {
            Escape(value.Object.Value);
        }
    }

    /// <summary>Takes notice of a thread that tells somebody all that it knows.</summary>
    /// <param name="thread">Its id.</param>
    public void EscapeAll(int thread)
    {
        foreach (var (made, owner) in _owners)
        {
            if (owner == thread)
            {
                _owners.Remove(made);
            }
        }
    }

    private void Escape(ulong made)
    {
        if (!_owners.Remove(made))
        {
            return;
        }

        for (var i = 0; i < _stored.Count; i++)
        {
            if (_stored[i].Of == made)
            {
                Escape(_stored[i].Inside);
            }
        }
    }
}
