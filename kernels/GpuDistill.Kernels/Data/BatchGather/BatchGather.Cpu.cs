using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace GpuDistill.Kernels;

// A shifted image is the flat image moved by dy * W + dx bytes, except for the columns that would wrap around: the inner part
// is converted in one go whatever the width, and the wrapped columns are cleared after. Dropout is a second pass over
// the image while it is in the first-level cache. Images are split over the workers; no bit depends on how.
public static partial class BatchGather
{
    private static Launch BindCpu<T, TStorage>(KernelContext context, Arguments<T> arguments, KernelVariant variant)
        where T : unmanaged
        where TStorage : unmanaged, ISimdStorage<T> => variant switch
        {
            KernelVariant.Simd512 => new Cpu<Simd512, T, TStorage>(arguments, variant, context.Workers),
            KernelVariant.Simd256 => new Cpu<Simd256, T, TStorage>(arguments, variant, context.Workers),
            _ => new Cpu<Simd128, T, TStorage>(arguments, variant, context.Workers),
        };

    private sealed unsafe class Cpu<F, T, TStorage>(Arguments<T> a, KernelVariant variant, CpuWorkers workers)
        : CpuLaunch(nameof(BatchGather), variant, workers)
        where F : struct, ISimd<F>
        where T : unmanaged
        where TStorage : unmanaged, ISimdStorage<T>
    {
        private const int CacheLine = 64;

        // Images that are on their way while one is converted, and the bytes asked for of each; the processor's own
        // prefetcher follows a longer run by itself.
        private const int Ahead = 4;
        private const int MaxPrefetch = 1024;

        private readonly byte* _pixels = CpuPointer.Of(a.Pixels);
        private readonly int* _sourceLabels = CpuPointer.Of(a.SourceLabels);
        private readonly int* _subset = CpuPointer.Of(a.Subset);
        private readonly StepState* _clock = CpuPointer.Of(a.Clock);
        private readonly T* _images = CpuPointer.Of(a.Images);
        private readonly int* _rows = CpuPointer.Of(a.Rows);
        private readonly int* _labels = CpuPointer.Of(a.Labels);
        private readonly int _columns = a.Height * a.Width;

        internal override void Execute(CpuTeam team)
        {
            (long start, long end) = team.Part(a.Order.BatchSize);
            long step = _clock->Step;
            DrawRows(step, (int)start, (int)end);
            for (int position = (int)start; position < (int)end; position++)
            {
                if (position + Ahead < end)
                    Prefetch(_rows[position + Ahead]);
                T* image = _images + ((long)position * _columns);
                int row = _rows[position];
                if (_labels != null)
                    _labels[position] = row >= 0 && _sourceLabels != null ? _sourceLabels[row] : NoLabel;
                if (row < 0)
                {
                    new Span<T>(image, _columns).Clear();
                    continue;
                }

                Convert(_pixels + ((long)row * _columns), image, Shift.Draw(a.Order.Seed, step, position, a.Jitter));
                if (a.KeepFrom > 0)
                    Drop(image, step, position);
            }
        }

        // All rows first, so that images can be asked for ahead of their turn: they lie anywhere in a data set that is far
        // larger than the cache.
        private void DrawRows(long step, int start, int end)
        {
            long current = -1;
            KeyedPermutation permutation = default;
            for (int position = start; position < end; position++)
            {
                long epoch = a.Order.Epoch(step, position);
                int row = -1;
                if (epoch >= 0)
                {
                    if (epoch != current)
                        permutation = a.Order.Permutation(epoch);
                    current = epoch;
                    row = a.Order.IndexAt(step, position, epoch, permutation);
                    if (_subset != null)
                        row = _subset[row];
                }

                _rows[position] = row;
            }
        }

        private void Prefetch(int row)
        {
            if (!Sse.IsSupported || row < 0)
                return;
            byte* image = _pixels + ((long)row * _columns);
            for (int i = 0; i < Math.Min(_columns, MaxPrefetch); i += CacheLine)
                Sse.Prefetch0(image + i);
        }

        private void Convert(byte* source, T* image, Shift shift)
        {
            // The first and last target that have a source; both sides stay inside the image.
            int top = Math.Max(0, shift.Y);
            int bottom = Math.Min(a.Height, a.Height + shift.Y);
            int first = (top * a.Width) + Math.Max(0, shift.X);
            int last = (bottom * a.Width) + Math.Min(0, shift.X);
            new Span<T>(image, first).Clear();
            ConvertRange(source - ((long)shift.Y * a.Width) - shift.X, image, first, last);
            new Span<T>(image + last, _columns - last).Clear();
            if (shift.X == 0)
                return;

            int left = shift.X > 0 ? 0 : a.Width + shift.X;
            int width = Math.Abs(shift.X);
            for (int y = top; y < bottom; y++)
            {
                T* wrapped = image + ((long)y * a.Width) + left;
                for (int x = 0; x < width; x++)
                    wrapped[x] = default;
            }
        }

        [MethodImpl(SimdLoop.Alone)]
        private void ConvertRange(byte* source, T* image, int first, int last)
        {
            F scale = F.Splat(a.Scale);
            int i = first;
            for (; i + F.Width <= last; i += F.Width)
                TStorage.Store(F.LoadBytes(source + i) * scale, image + i);
            for (; i < last; i++)
                TStorage.StoreOne(source[i] * a.Scale, image + i);
        }

        [MethodImpl(SimdLoop.Alone)]
        private void Drop(T* image, long step, int position)
        {
            uint* words = stackalloc uint[PhiloxBlock.Columns];
            F zero = F.Splat(0);
            for (int first = 0; first < _columns; first += PhiloxBlock.Columns)
            {
                PhiloxBlock.Fill<F>(
                    words, a.Order.Seed, RandomStreams.InputDropout, step, (uint)position, (uint)(first / PhiloxBlock.Columns));
                int count = Math.Min(PhiloxBlock.Columns, _columns - first);
                T* block = image + first;
                int i = 0;
                for (; i + F.Width <= count; i += F.Width)
                    TStorage.Store(F.Select(F.AtLeast(words + i, a.KeepFrom), TStorage.Load<F>(block + i), zero), block + i);
                for (; i < count; i++)
                    block[i] = words[i] >= a.KeepFrom ? block[i] : default;
            }
        }
    }
}
