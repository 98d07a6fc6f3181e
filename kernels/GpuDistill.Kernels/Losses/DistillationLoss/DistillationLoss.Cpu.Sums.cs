using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

public static partial class DistillationLoss
{
    // The pass that reads the logits: an online softmax by blocks (Milakov and Gimelshein 2018). A block is read from memory
    // for its maximum, and from the first-level cache for its exponentials, while a later one is on its way. Where a block
    // raises the maximum, the sums so far are brought down to the new one.
    private sealed unsafe partial class CpuRow<F, T, TStorage>
    {
        // Logits and kept exponentials of a block, and logits of the next two, fit the first-level cache. A multiple of every
        // width. Short sums also lose less: no small term is added to the sum of tens of thousands.
        private const int Block = 1024;

        // Most rows are finite, and then no product can be 0 times infinity. Where one is, or a difference overflows, a sum is
        // no number, and the row is read again with that in mind. The maxima are known by then, so that which probabilities
        // count as 0 is no matter of the order of the blocks.
        private RowSums Sums<M>(in RowPlace place, RowSums start)
            where M : struct, ITerms
        {
            RowSums sums = Sums<M, Finite>(place, start);
            if (float.IsFinite(sums.Cross) && float.IsFinite(sums.Difference))
                return sums;
            start.StudentMaximum = sums.StudentMaximum;
            start.TeacherMaximum = sums.TeacherMaximum;
            return Sums<M, Infinite>(place, start);
        }

        private RowSums Sums<M, R>(in RowPlace place, RowSums sums)
            where M : struct, ITerms
            where R : struct, IRange
        {
            int columns = _settings.Columns;
            for (int start = 0, block = 0; start < columns; block++)
            {
                int end = EndOfBlock(start, place.Head);
                Raise<M>(place.Student, place.Teacher, start, end, ref sums);
                _studentMaxima[block] = sums.StudentMaximum;
                _teacherMaxima[block] = sums.TeacherMaximum;
                AddBlock<M, R>(place.Student, place.Teacher, start, end, place.Gradient != null, ref sums);
                start = end;
            }

            if (!M.Soft)
                sums.Hard = sums.Student;
            return sums;
        }

        // The first block is longer by the head, so that all others start where the gradient's vectors are aligned.
        private int EndOfBlock(int start, int head) =>
            Math.Min(_settings.Columns - start, Block + (start == 0 ? head : 0)) + start;

        [MethodImpl(SimdLoop.Alone)]
        private void Raise<M>(T* z, T* v, int start, int end, ref RowSums sums)
            where M : struct, ITerms
        {
            F student = F.Splat(sums.StudentMaximum);
            F teacher = F.Splat(sums.TeacherMaximum);
            for (int i = start; i < end; i += F.Width)
            {
                student = F.Max(Load(z, i, end, float.NegativeInfinity), student);
                if (M.Soft)
                    teacher = F.Max(Load(v, i, end, float.NegativeInfinity), teacher);
            }

            float studentMaximum = F.HorizontalMax(student);
            float teacherMaximum = F.HorizontalMax(teacher);
            float studentRise = studentMaximum - sums.StudentMaximum;
            float teacherRise = teacherMaximum - sums.TeacherMaximum;
            sums.StudentMaximum = studentMaximum;
            sums.TeacherMaximum = teacherMaximum;
            if (start == 0 || (studentRise == 0 && teacherRise == 0))
                return;
            float scale = M.Soft ? _settings.InverseTemperature : 1;
            float fall = MathF.Exp(-teacherRise * scale);
            sums.Student *= MathF.Exp(-studentRise * scale);
            sums.Hard *= MathF.Exp(-studentRise);
            sums.Cross = (sums.Cross - (sums.Teacher * studentRise)) * fall;
            sums.Difference = (sums.Difference - (sums.Teacher * (studentRise - teacherRise))) * fall;
            sums.Teacher *= fall;
        }

        [MethodImpl(SimdLoop.Alone)]
        private void AddBlock<M, R>(T* z, T* v, int start, int end, bool keeps, ref RowSums sums)
            where M : struct, ITerms
            where R : struct, IRange
        {
            // What lanes beyond the row hold: no probability, and no infinity where 0 times infinity would spoil a sum.
            float rest = M.Soft && R.IsFinite ? float.MinValue : float.NegativeInfinity;
            F none = F.Splat(0);
            F maximumZ = F.Splat(sums.StudentMaximum);
            F maximumV = F.Splat(sums.TeacherMaximum);
            F scale = F.Splat(M.Soft ? Log2E * _settings.InverseTemperature : Log2E);
            F student = none;
            F teacher = none;
            F hard = none;
            F cross = none;
            F difference = none;
            for (int i = start; i < end; i += F.Width)
            {
                CpuPointer.Prefetch(z + i + (2 * Block));
                F x = Load(z, i, end, rest) - maximumZ;
                F ex = SimdMath.Exp2(x * scale);
                student += ex;
                if (keeps)
                    F.Store(ex, _studentScratch + i);
                if (!M.Soft)
                    continue;

                CpuPointer.Prefetch(v + i + (2 * Block));
                F y = Load(v, i, end, rest) - maximumV;
                F ey = SimdMath.Exp2(y * scale);
                teacher += ey;
                if (keeps)
                    F.Store(ey, _teacherScratch + i);
                F distance = x - y;
                F atOne = x * F.Splat(Log2E);
                if (!R.IsFinite)
                {
                    F zero = F.Less(ey, F.Splat(RowSums.SmallestWeight));
                    x = F.Select(zero, none, x);
                    distance = F.Select(zero, none, distance);
                }

                cross = F.Fma(ey, x, cross);
                difference = F.Fma(ey, distance, difference);
                if (!M.Hard)
                    continue;

                F eh = M.Squarings < 0 ? SimdMath.Exp2(atOne) : Power<M>(ex);
                hard += eh;
                if (M.Squarings < 0 && keeps)
                    F.Store(eh, _hardScratch + i);
            }

            sums.Student += F.Sum(student);
            sums.Teacher += F.Sum(teacher);
            sums.Hard += F.Sum(hard);
            sums.Cross += F.Sum(cross);
            sums.Difference += F.Sum(difference);
        }

        // The student's exponential at T = 1 from that at T.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static F Power<M>(F value)
            where M : struct, ITerms
        {
            if (M.Squarings > 0)
                value *= value;
            if (M.Squarings > 1)
                value *= value;
            if (M.Squarings > 2)
                value *= value;
            return value;
        }
    }
}
