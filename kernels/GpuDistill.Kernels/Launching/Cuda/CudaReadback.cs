using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace GpuDistill.Kernels;

/// <summary>
/// Through page-locked memory, because a copy to any other host memory returns only when it is done (CUDA Driver API, "API
/// synchronization behavior"), and with an event, which says when. Not run on a GPU yet.
/// </summary>
internal sealed unsafe class CudaReadback<T> : Readback<T>
    where T : unmanaged
{
    private readonly CudaStream _stream;
    private readonly ArrayView<T> _source;
    private readonly Landing _landing;

    public CudaReadback(CudaStream stream, ArrayView<T> source)
    {
        _stream = stream;
        _source = source;
        _landing = new Landing(stream.Accelerator);
    }

    public override bool HasArrived => _landing.Query();

    public override void Begin()
    {
        _source.CopyToCPUUnsafeAsync(_stream, ref *_landing.Value, 1);
        _landing.Record(_stream);
    }

    public override T Take()
    {
        _landing.Wait();
        return *_landing.Value;
    }

    public override void Dispose() => _landing.Dispose();

    // A child of the accelerator, which frees it in time when it is disposed first.
    private sealed class Landing : AcceleratorObject
    {
        private readonly nint _memory;
        private readonly nint _event;
        private bool _isUsed;

        public Landing(Accelerator accelerator)
            : base(accelerator)
        {
            using ScopedAcceleratorBinding binding = accelerator.BindScoped();
            try
            {
                CudaException.ThrowIfFailed(CudaAPI.CurrentAPI.AllocateHostMemory(out _memory, sizeof(T)));
                CudaException.ThrowIfFailed(CudaAPI.CurrentAPI.CreateEvent(out _event, CudaEventFlags.CU_EVENT_DISABLE_TIMING));
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        public T* Value => (T*)_memory;

        public void Record(CudaStream stream)
        {
            using ScopedAcceleratorBinding binding = Accelerator.BindScoped();
            CudaException.ThrowIfFailed(CudaAPI.CurrentAPI.RecordEvent(_event, stream.StreamPtr));
            _isUsed = true;
        }

        public bool Query()
        {
            using ScopedAcceleratorBinding binding = Accelerator.BindScoped();
            CudaError error = CudaAPI.CurrentAPI.QueryEvent(_event);
            if (error == CudaError.CUDA_ERROR_NOT_READY)
                return false;
            CudaException.ThrowIfFailed(error);
            return true;
        }

        public void Wait()
        {
            using ScopedAcceleratorBinding binding = Accelerator.BindScoped();
            CudaException.ThrowIfFailed(CudaAPI.CurrentAPI.SynchronizeEvent(_event));
        }

        protected override void DisposeAcceleratorObject(bool disposing)
        {
            // A failure of work before shows here too, and was or will be told where that work is waited for.
            if (_isUsed)
                _ = CudaAPI.CurrentAPI.SynchronizeEvent(_event);
            if (_event != 0)
                _ = CudaAPI.CurrentAPI.DestroyEvent(_event);
            if (_memory != 0)
                _ = CudaAPI.CurrentAPI.FreeHostMemory(_memory);
        }
    }
}
