namespace GpuDistill.PtxDriver;

/// <summary>
/// A stream. What is submitted is executed as late as the driver's documents allow: when something waits for it. So a host that does not
/// wait where it must, or that takes back memory too early, reads nonsense each time instead of once in a while.
/// </summary>
/// <param name="context">What it belongs to.</param>
/// <param name="isBlocking">Whether it is ordered with the default stream.</param>
internal sealed class WorkStream(DriverContext context, bool isBlocking)
{
    // A GPU's queues are not endless either, and a host that never waits would fill this process.
    private const int MostPending = 512;

    private readonly Queue<(Action Work, Ticket[] After, Ticket Done)> _pending = [];
    private Ticket? _last;

    public DriverContext Context => context;

    public bool IsBlocking => isBlocking;

    /// <summary>The recording that what is submitted goes to, or null.</summary>
    public Capture? Capture { get; set; }

    private bool IsDefault => context.DefaultStream == this;

    public Ticket Submit(Action work, params IEnumerable<Ticket> after)
    {
        Ticket done = new(this);
        _pending.Enqueue((work, [.. after, .. Implied()], done));
        _last = done;
        if (_pending.Count > MostPending)
            ExecuteNext();
        return done;
    }

    /// <summary>Executes the oldest piece of work, after what it must follow.</summary>
    public void ExecuteNext()
    {
        (Action work, Ticket[] after, Ticket done) = _pending.Dequeue();
        foreach (Ticket ticket in after)
            ticket.Complete();
        context.Execute(work);
        done.IsDone = true;
    }

    /// <summary>Until all that was submitted is done.</summary>
    public void Finish()
    {
        while (_pending.Count > 0)
            ExecuteNext();
    }

    // CUDA Driver API, "Stream synchronization behavior": the legacy default stream.
    private IEnumerable<Ticket> Implied()
    {
        IEnumerable<WorkStream> others = IsDefault ? context.Streams.Where(stream => stream.IsBlocking)
            : isBlocking ? [context.DefaultStream]
            : [];
        return others.Select(stream => stream._last).OfType<Ticket>().Where(ticket => !ticket.IsDone);
    }

    /// <summary>A piece of work that can be waited for.</summary>
    internal sealed class Ticket(WorkStream stream)
    {
        public bool IsDone { get; set; }

        public void Complete()
        {
            while (!IsDone)
                stream.ExecuteNext();
        }

        /// <summary>Something happens on the stream; whoever asks again and again sees an end.</summary>
        public void Advance()
        {
            if (!IsDone)
                stream.ExecuteNext();
        }
    }
}
