using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

public static partial class DistillationLoss
{
    // The pass that writes the gradient, from the exponentials that the pass over the logits has kept.
    private sealed unsafe partial class CpuRow<F, T, TStorage>
    {
        // Gradients from this size on would not be found in the caches by what comes after anyway: they are written past them,
        // which spares memory the reading of lines that are about to be overwritten.
        private const long StreamedFloats = 2 << 20;

        private void StoreGradient<M>(in RowPlace place, in RowSums sums, in RowLoss loss)
            where M : struct, ITerms
        {
            int label = place.Label.Class;
            for (int start = 0, block = 0; start < _settings.Columns; block++)
            {
                int end = EndOfBlock(start, place.Head);
                RowLoss scaled = Scaled(loss, sums, block);
                int head = start == 0 ? place.Head : 0;
                if (head > 0)
                    TStorage.StorePartial(Gradient<M>(0, head, scaled), place.Gradient, head);
                StoreBlock<M>(place.Gradient, start + head, end, scaled);
                if (label >= start && label < end)
                    TStorage.StoreOne(LabelGradient<M>(scaled, label), place.Gradient + label);
                start = end;
            }
        }

        // The factors of a block's exponentials, which are relative to the maxima when it was read.
        private RowLoss Scaled(RowLoss loss, in RowSums sums, int block)
        {
            float student = _studentMaxima[block] - sums.StudentMaximum;
            float teacher = _teacherMaxima[block] - sums.TeacherMaximum;
            if (student == 0 && teacher == 0)
                return loss;
            loss.StudentFactor *= MathF.Exp(student * _settings.InverseTemperature);
            loss.TeacherFactor *= MathF.Exp(teacher * _settings.InverseTemperature);
            loss.HardFactor *= MathF.Exp(student);
            return loss;
        }

        [MethodImpl(SimdLoop.Alone)]
        private void StoreBlock<M>(T* gradient, int start, int end, in RowLoss loss)
            where M : struct, ITerms
        {
            int i = start;
            if (_streams)
            {
                for (; i + F.Width <= end; i += F.Width)
                    F.StoreAlignedNonTemporal(Gradient<M>(i, end, loss), (float*)gradient + i);
            }
            else
            {
                for (; i + F.Width <= end; i += F.Width)
                    TStorage.Store(Gradient<M>(i, end, loss), gradient + i);
            }

            if (i < end)
                TStorage.StorePartial(Gradient<M>(i, end, loss), gradient + i, end - i);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private F Gradient<M>(int i, int end, in RowLoss loss)
            where M : struct, ITerms
        {
            F ex = F.Load(_studentScratch + i);
            F g = ex * F.Splat(M.Soft ? loss.StudentFactor : loss.HardFactor);
            if (M.Soft)
                g = F.Fma(F.Load(_teacherScratch + i), F.Splat(-loss.TeacherFactor), g);
            if (M.Soft && M.Hard)
                g = F.Fma(M.Squarings < 0 ? F.Load(_hardScratch + i) : Power<M>(ex), F.Splat(loss.HardFactor), g);
            if (M.Hard && loss.UniformFactor > 0)
                g -= F.Splat(loss.UniformFactor) * ClassWeights(i, end);
            return g;
        }

        private float LabelGradient<M>(in RowLoss loss, int label)
            where M : struct, ITerms
        {
            float* lanes = stackalloc float[F.Width];
            F.Store(Gradient<M>(label, label + 1, loss), lanes);
            return lanes[0] - loss.LabelTerm;
        }
    }
}
