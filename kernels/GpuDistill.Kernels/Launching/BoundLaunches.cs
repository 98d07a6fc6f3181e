namespace GpuDistill.Kernels;

/// <summary>Launches that are bound while they are enumerated, each with what it allocates for itself.</summary>
internal static class BoundLaunches
{
    /// <summary>All of them; if one cannot be bound, those before it are disposed.</summary>
    /// <param name="items">What is enumerated.</param>
    /// <param name="launchOf">The launch of an item.</param>
    public static T[] All<T>(IEnumerable<T> items, Func<T, Launch> launchOf)
    {
        List<T> bound = [];
        try
        {
            foreach (T item in items)
                bound.Add(item);
            return [.. bound];
        }
        catch
        {
            foreach (T item in bound)
                launchOf(item).Dispose();
            throw;
        }
    }
}
