namespace GpuDistill.PtxMachine;

/// <summary>Up to where one knows what other groups have done: fences of their threads. It only grows.</summary>
internal sealed class Knowledge
{
    private readonly Dictionary<int, List<Stamp>> _fences = []; // by groups; the last of each thread
    private readonly Dictionary<Knowledge, int> _seen = new(ReferenceEqualityComparer.Instance);
    private int _version;

    public void Add(Stamp fence)
    {
        if (!_fences.TryGetValue(fence.Group, out List<Stamp>? fences))
            _fences.Add(fence.Group, fences = []);
        int same = fences.FindIndex(other => other.Thread == fence.Thread);
        if (same < 0)
            fences.Add(fence);
        else if (fence.IsAfter(fences[same]))
            fences[same] = fence;
        else
            return;
        _version++;
    }

    public void Add(Knowledge other)
    {
        if (other == this || _seen.GetValueOrDefault(other) == other._version)
            return;
        _seen[other] = other._version;
        foreach (Stamp fence in other._fences.Values.SelectMany(fences => fences))
            Add(fence);
    }

    /// <summary>Whether something was done before one of the fences.</summary>
    public bool Covers(Stamp earlier) => _fences.TryGetValue(earlier.Group, out List<Stamp>? fences)
        && fences.Exists(fence => fence.Thread == earlier.Thread ? !earlier.IsAfter(fence) : earlier.IsBefore(fence));
}

/// <summary>What a group's threads know: what one learns at a fence, the others know after a barrier.</summary>
internal sealed class GroupKnowledge
{
    private readonly Knowledge _common = new();
    private readonly List<(Stamp At, Knowledge Known)> _recent = []; // since the last barrier

    public void Add(Stamp now, Knowledge learnt)
    {
        Settle(now);
        Knowledge own = new();
        own.Add(learnt);
        _recent.Add((now, own));
    }

    public bool Covers(Stamp earlier, Stamp now)
    {
        Settle(now);
        return _common.Covers(earlier) || _recent.Exists(recent => recent.At.IsBefore(now) && recent.Known.Covers(earlier));
    }

    public void AddTo(Knowledge knowledge, Stamp now)
    {
        Settle(now);
        knowledge.Add(_common);
        foreach ((Stamp at, Knowledge known) in _recent)
        {
            if (at.IsBefore(now))
                knowledge.Add(known);
        }
    }

    // Barriers count up, so what was learnt before the last one all threads know from now on.
    private void Settle(Stamp now)
    {
        foreach ((Stamp at, Knowledge known) in _recent)
        {
            if (at.Epoch < now.Epoch)
                _common.Add(known);
        }

        _recent.RemoveAll(recent => recent.At.Epoch < now.Epoch);
    }
}
