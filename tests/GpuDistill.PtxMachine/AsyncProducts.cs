namespace GpuDistill.PtxMachine;

/// <summary>A warp's part of its warpgroup's products: finished, in order, no sooner than they are waited for.</summary>
internal sealed class AsyncProducts(Warp warp)
{
    private readonly Queue<List<Operations.Product>> _groups = [];
    private List<Operations.Product> _started = [];
    private bool _isOpen;

    public void Open() => _isOpen = true;

    public void Start(Operations.Product product)
    {
        if (!_isOpen)
            throw new PtxFault("a product before any fence");
        product.Read(warp);
        _started.Add(product);
    }

    public void Commit()
    {
        _groups.Enqueue(_started);
        _started = [];
        _isOpen = false;
    }

    public void WaitForAllBut(int newest)
    {
        while (_groups.Count > newest)
            _groups.Dequeue().ForEach(product => product.Finish(warp));
    }
}
