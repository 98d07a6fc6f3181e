namespace GpuDistill.PtxMachine;

/// <summary>What a thread copies from global to shared memory: it arrives no sooner than it is waited for.</summary>
internal sealed class AsyncCopies(Warp warp, int lane)
{
    private readonly Queue<List<(ulong Target, byte[] Bytes)>> _groups = [];
    private List<(ulong Target, byte[] Bytes)> _open = [];

    public void Start(ulong target, ulong source, int size, int bytes)
    {
        byte[] copied = new byte[size];
        if (bytes > 0)
            warp.Group.Global.Read(warp, lane, source, bytes).CopyTo(copied);
        warp.Group.Shared.Write(warp, lane, target, size).Fill(Nonsense.Byte); // from now on nobody may read what was there
        _open.Add((target, copied));
    }

    public void Commit()
    {
        _groups.Enqueue(_open);
        _open = [];
    }

    public void WaitForAllBut(int newest)
    {
        while (_groups.Count > newest)
        {
            foreach ((ulong target, byte[] bytes) in _groups.Dequeue())
                bytes.CopyTo(warp.Group.Shared.Write(warp, lane, target, bytes.Length));
        }
    }
}
