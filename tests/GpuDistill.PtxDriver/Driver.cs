namespace GpuDistill.PtxDriver;

/// <summary>
/// What all functions share: one lock, the objects behind the handles, each thread's current context. A refusal is told on the standard
/// error stream, since a result code does not say why.
/// </summary>
internal static class Driver
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<nint, object> Objects = [];
    private static nint _lastHandle = 0x1000;

    [ThreadStatic]
    private static DriverContext? _current;

    /// <summary>The thread's context, for calls that need one; a fault of a kernel in it is every later call's.</summary>
    public static DriverContext Current
    {
        get
        {
            DriverContext context = _current ?? throw new DriverException(Result.InvalidContext, "no context is current on this thread");
            return context.Fault is null ? context : throw new DriverException(Result.IllegalAddress, "after a kernel's fault nothing works any more");
        }
    }

    public static int Call(string function, Action body)
    {
        lock (Gate)
        {
            try
            {
                body();
                return (int)Result.Success;
            }
            catch (DriverException refusal)
            {
                if (refusal.Result != Result.NotReady)
                    Console.Error.WriteLine($"PTX driver, {function}: {refusal.Message} ({refusal.Result})");
                return (int)refusal.Result;
            }
        }
    }

    public static nint Add(object item)
    {
        _lastHandle += 0x10;
        Objects.Add(_lastHandle, item);
        return _lastHandle;
    }

    public static T Get<T>(nint handle)
        where T : class =>
        Objects.GetValueOrDefault(handle) as T
            ?? throw new DriverException(Result.InvalidHandle, $"{handle:X} is no {typeof(T).Name}, or none any more");

    public static T Remove<T>(nint handle)
        where T : class
    {
        T item = Get<T>(handle);
        Objects.Remove(handle);
        return item;
    }

    /// <summary>The stream of a handle, of which 0 is the context's default one.</summary>
    public static WorkStream Stream(nint handle)
    {
        WorkStream stream = handle == 0 ? Current.DefaultStream : Get<WorkStream>(handle);
        return stream.Context == Current ? stream : throw new DriverException(Result.InvalidHandle, "the stream is of another context");
    }

    public static void SetCurrent(DriverContext? context) => _current = context;

    public static void Destroy(nint handle)
    {
        DriverContext context = Remove<DriverContext>(handle);
        context.Destroy();
        if (_current == context)
            _current = null;
    }
}
