using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// How device code reads and writes elements of type <typeparamref name="T"/>; it computes in single precision whatever the
/// type in memory. Implementations are empty structs, so that a kernel over one compiles to plain loads and stores.
/// </summary>
internal interface IStorage<T>
    where T : unmanaged
{
    float Load(ArrayView<T> view, long index);

    void Store(ArrayView<T> view, long index, float value);
}
