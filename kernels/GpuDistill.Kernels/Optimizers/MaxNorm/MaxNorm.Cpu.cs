using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

// Rows are read along memory: a worker walks down its columns, a block of them at a time, with one sum per column in the
// first-level cache. Four rows are summed before a sum is touched, which spares loads and rounding alike. The order of
// a column's sum depends on the number of rows alone. Most columns are within the limit after the first steps, so only
// the vectors of columns that hold one above it are written.
public static partial class MaxNorm
{
    private static Launch BindCpu(KernelContext context, Arguments arguments, KernelVariant variant) => variant switch
    {
        KernelVariant.Simd512 => new Cpu<Simd512>(arguments, variant, context.Workers),
        KernelVariant.Simd256 => new Cpu<Simd256>(arguments, variant, context.Workers),
        _ => new Cpu<Simd128>(arguments, variant, context.Workers),
    };

    private sealed unsafe class Cpu<F>(Arguments a, KernelVariant variant, CpuWorkers workers)
        : CpuLaunch(nameof(MaxNorm), variant, workers)
        where F : struct, ISimd<F>
    {
        // 4 KB of sums; a multiple of every width and of a cache line.
        private const int Block = 1024;
        private const int Grain = 16;

        private readonly float* _weights = CpuPointer.Of(a.Weights);

        internal override void Execute(CpuTeam team)
        {
            (long start, long end) = team.Part(a.Columns, Grain);
            float* sums = stackalloc float[Block];
            for (long first = start; first < end; first += Block)
            {
                int columns = (int)Math.Min(Block, end - first);
                new Span<float>(sums, columns).Clear();
                int row = 0;
                for (; row + 4 <= a.Rows; row += 4)
                    AddFour(_weights + ((long)row * a.Columns) + first, sums, columns);
                for (; row < a.Rows; row++)
                    AddOne(_weights + ((long)row * a.Columns) + first, sums, columns);
                Scale(_weights + first, sums, columns);
            }
        }

        [MethodImpl(SimdLoop.Alone)]
        private void AddFour(float* row0, float* sums, int columns)
        {
            float* row1 = row0 + a.Columns;
            float* row2 = row1 + a.Columns;
            float* row3 = row2 + a.Columns;
            int i = 0;
            for (; i + F.Width <= columns; i += F.Width)
                F.Store(F.Load(sums + i) + Squares(F.Load(row0 + i), F.Load(row1 + i), F.Load(row2 + i), F.Load(row3 + i)), sums + i);
            if (i < columns)
            {
                int rest = columns - i;
                F squares = Squares(
                    F.LoadPartial(row0 + i, rest, 0),
                    F.LoadPartial(row1 + i, rest, 0),
                    F.LoadPartial(row2 + i, rest, 0),
                    F.LoadPartial(row3 + i, rest, 0));
                F.StorePartial(F.LoadPartial(sums + i, rest, 0) + squares, sums + i, rest);
            }
        }

        [MethodImpl(SimdLoop.Alone)]
        private static void AddOne(float* row, float* sums, int columns)
        {
            int i = 0;
            for (; i + F.Width <= columns; i += F.Width)
            {
                F w = F.Load(row + i);
                F.Store(F.Fma(w, w, F.Load(sums + i)), sums + i);
            }

            if (i < columns)
            {
                F w = F.LoadPartial(row + i, columns - i, 0);
                F.StorePartial(F.Fma(w, w, F.LoadPartial(sums + i, columns - i, 0)), sums + i, columns - i);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static F Squares(F w0, F w1, F w2, F w3) => F.Fma(w0, w0, w1 * w1) + F.Fma(w2, w2, w3 * w3);

        // Turns the sums into scales, 1 for a column that stays, and applies them. Times 1 keeps a neighbour's bits.
        [MethodImpl(SimdLoop.Alone)]
        private void Scale(float* weights, float* sums, int columns)
        {
            for (int vector = 0; vector < columns; vector += F.Width)
            {
                int width = Math.Min(F.Width, columns - vector);
                bool any = false;
                for (int i = vector; i < vector + width; i++)
                {
                    bool above = sums[i] > a.SquaredLimit && sums[i] <= float.MaxValue;
                    sums[i] = above ? a.Limit / MathF.Sqrt(sums[i]) : 1;
                    any |= above;
                }

                if (any)
                    ScaleVector(weights + vector, sums + vector, width);
            }
        }

        [MethodImpl(SimdLoop.Alone)]
        private void ScaleVector(float* weights, float* scales, int width)
        {
            F scale = F.LoadPartial(scales, width, 1);
            for (int row = 0; row < a.Rows; row++)
            {
                float* place = weights + ((long)row * a.Columns);
                if (width == F.Width)
                    F.Store(F.Load(place) * scale, place);
                else
                    F.StorePartial(F.LoadPartial(place, width, 1) * scale, place, width);
            }
        }
    }
}
