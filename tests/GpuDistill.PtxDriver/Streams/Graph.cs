namespace GpuDistill.PtxDriver;

/// <summary>
/// Recorded launches. Of those that may run next it takes the one that was recorded last, so a launch that follows another in the order of
/// recording alone, and not by the stream's or an event's, runs before it.
/// </summary>
internal sealed class Graph(IReadOnlyList<GraphNode> nodes)
{
    public void Run(DriverContext context)
    {
        List<GraphNode> open = [.. nodes];
        HashSet<GraphNode> done = new(ReferenceEqualityComparer.Instance);
        while (open.Count > 0)
        {
            int next = open.FindLastIndex(node => Array.TrueForAll(node.After, done.Contains));
            context.Execute(open[next].Work);
            done.Add(open[next]);
            open.RemoveAt(next);
        }
    }
}

/// <summary>A graph that can be launched.</summary>
internal sealed record ExecutableGraph(Graph Graph);
