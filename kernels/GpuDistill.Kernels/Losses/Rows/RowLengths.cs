// The rows that kernels are made for: 3 quads per thread, of a slab's row, else 4 or 8; filled, where every row has the first half of
// each thread's quads (CudaPlan).
global using FewFilledRow = GpuDistill.Kernels.JoinedRow<
    GpuDistill.Kernels.TwiceRow<GpuDistill.Kernels.QuadRow<GpuDistill.Kernels.InRow>>,
    GpuDistill.Kernels.TwiceRow<GpuDistill.Kernels.QuadRow<GpuDistill.Kernels.PerhapsInRow>>>;
global using FewQuadsRow =
    GpuDistill.Kernels.TwiceRow<GpuDistill.Kernels.TwiceRow<GpuDistill.Kernels.QuadRow<GpuDistill.Kernels.PerhapsInRow>>>;
global using ManyFilledRow = GpuDistill.Kernels.JoinedRow<
    GpuDistill.Kernels.TwiceRow<GpuDistill.Kernels.TwiceRow<GpuDistill.Kernels.QuadRow<GpuDistill.Kernels.InRow>>>,
    GpuDistill.Kernels.TwiceRow<GpuDistill.Kernels.TwiceRow<GpuDistill.Kernels.QuadRow<GpuDistill.Kernels.PerhapsInRow>>>>;
global using ManyQuadsRow =
    GpuDistill.Kernels.TwiceRow<GpuDistill.Kernels.TwiceRow<GpuDistill.Kernels.TwiceRow<GpuDistill.Kernels.QuadRow<GpuDistill.Kernels.PerhapsInRow>>>>;
global using SlabQuadsRow = GpuDistill.Kernels.JoinedRow<
    GpuDistill.Kernels.TwiceRow<GpuDistill.Kernels.QuadRow<GpuDistill.Kernels.PerhapsInRow>>,
    GpuDistill.Kernels.QuadRow<GpuDistill.Kernels.PerhapsInRow>>;
