using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

public static partial class DistillationLoss
{
    // The second and third pass: sums and gradient.
    private sealed unsafe partial class CpuRow<F, T, TStorage>
    {
        // Long rows are summed in blocks, so that no small term is added to a large sum of tens of thousands before it.
        // A multiple of every width.
        private const int SumBlock = 4096;

        private RowLoss Row<M>(
            T* z, T* v, T* gradient, RowSums sums, RowLabel label, float softReduction, float hardReduction)
            where M : struct, ITerms
        {
            float* student = typeof(T) == typeof(float) ? (float*)gradient : _studentScratch;
            bool keep = gradient != null;
            for (int start = 0; start < _settings.Columns; start += SumBlock)
                SumExponentials<M>(z, v, start, Math.Min(_settings.Columns - start, SumBlock), keep, student, ref sums);
            if (!M.Soft)
                sums.Hard = sums.Student;
            RowLoss loss = RowLoss.Of(_settings, sums, label, softReduction, hardReduction);
            if (!keep || loss.Reason != 0)
                return loss;
            // The label's element is taken before the others overwrite what it is made of.
            float element = label.Class >= 0 ? LabelGradient<M>(student, loss, label.Class) : 0;
            StoreGradient<M>(student, gradient, loss);
            if (label.Class >= 0)
                TStorage.StoreOne(element, gradient + label.Class);
            return loss;
        }

        private void SumExponentials<M>(T* z, T* v, int start, int count, bool keep, float* keptStudent, ref RowSums sums)
            where M : struct, ITerms
        {
            int n = start + count;
            F none = F.Splat(0);
            F maximumZ = F.Splat(sums.StudentMaximum);
            F maximumV = F.Splat(sums.TeacherMaximum);
            F scale = F.Splat(M.Soft ? Log2E * _settings.InverseTemperature : Log2E);
            F student = none;
            F teacher = none;
            F hard = none;
            F cross = none;
            F difference = none;
            for (int i = start; i < n; i += F.Width)
            {
                F x = Load(z, i, n, float.NegativeInfinity) - maximumZ;
                F ex = SimdMath.Exp2(x * scale);
                student += ex;
                if (keep)
                    Keep(ex, keptStudent, i, n);
                if (!M.Soft)
                    continue;

                F y = Load(v, i, n, float.NegativeInfinity) - maximumV;
                F ey = SimdMath.Exp2(y * scale);
                teacher += ey;
                F zero = F.Less(ey, F.Splat(RowSums.SmallestWeight));
                cross = F.Fma(ey, F.Select(zero, none, x), cross);
                difference = F.Fma(ey, F.Select(zero, none, x - y), difference);
                if (keep)
                    Keep(ey, _teacherScratch, i, n);
                if (!M.Hard)
                    continue;

                F eh = M.Squarings < 0 ? SimdMath.Exp2(x * F.Splat(Log2E)) : Power<M>(ex);
                hard += eh;
                if (M.Squarings < 0 && keep)
                    Keep(eh, _hardScratch, i, n);
            }

            sums.Student += F.Sum(student);
            sums.Teacher += F.Sum(teacher);
            sums.Hard += F.Sum(hard);
            sums.Cross += F.Sum(cross);
            sums.Difference += F.Sum(difference);
        }

        private void StoreGradient<M>(float* student, T* gradient, RowLoss loss)
            where M : struct, ITerms
        {
            int n = _settings.Columns;
            F studentFactor = F.Splat(M.Soft ? loss.StudentFactor : loss.HardFactor);
            F teacherFactor = F.Splat(-loss.TeacherFactor);
            F hardFactor = F.Splat(loss.HardFactor);
            F uniformFactor = F.Splat(loss.UniformFactor);
            bool uniform = loss.UniformFactor > 0;
            for (int i = 0; i < n; i += F.Width)
            {
                F ex = Kept(student, i, n);
                F g = ex * studentFactor;
                if (M.Soft)
                    g = F.Fma(Kept(_teacherScratch, i, n), teacherFactor, g);
                if (M.Soft && M.Hard)
                    g = F.Fma(M.Squarings < 0 ? Kept(_hardScratch, i, n) : Power<M>(ex), hardFactor, g);
                if (M.Hard && uniform)
                    g -= uniformFactor * ClassWeights(i, n);
                Store(g, gradient, i, n);
            }
        }

        private float LabelGradient<M>(float* student, RowLoss loss, int label)
            where M : struct, ITerms
        {
            float ex = student[label];
            float g = ex * (M.Soft ? loss.StudentFactor : loss.HardFactor);
            if (M.Soft)
                g -= _teacherScratch[label] * loss.TeacherFactor;
            if (M.Soft && M.Hard)
                g += loss.HardFactor * (M.Squarings < 0 ? _hardScratch[label] : Power<M>(ex));
            return g - UniformTerm(loss, label) - loss.LabelTerm;
        }

        private float UniformTerm(RowLoss loss, int i) =>
            loss.UniformFactor * (_classWeights != null ? _classWeights[i] : 1);

        // Rows whose logits span less than half a temperature: see LowestFlatTemperature.
        private RowLoss Flat(
            T* z, T* v, T* gradient, RowSums sums, RowLabel label, bool withHard, float softReduction, float hardReduction)
        {
            for (int start = 0; start < _settings.Columns; start += SumBlock)
                SumFlat(z, v, start, Math.Min(_settings.Columns - start, SumBlock), withHard, ref sums);
            RowLoss loss = RowLoss.Of(_settings, sums, label, softReduction, hardReduction);
            if (gradient != null && loss.Reason == 0)
                StoreFlatGradient(z, v, gradient, sums, label, loss);
            return loss;
        }

        private void SumFlat(T* z, T* v, int start, int count, bool withHard, ref RowSums sums)
        {
            int n = start + count;
            F one = F.Splat(1);
            F maximumZ = F.Splat(sums.StudentMaximum);
            F maximumV = F.Splat(sums.TeacherMaximum);
            F scale = F.Splat(_settings.InverseTemperature);
            F student = F.Splat(0);
            F teacher = student;
            F hard = student;
            F cross = student;
            F difference = student;
            for (int i = start; i < n; i += F.Width)
            {
                F x = Load(z, i, n, sums.StudentMaximum) - maximumZ;
                F y = Load(v, i, n, sums.TeacherMaximum) - maximumV;
                F less = SimdMath.Expm1Half(y * scale);
                student += SimdMath.Expm1Half(x * scale);
                teacher += less;
                cross = F.Fma(less + one, x, cross);
                difference = F.Fma(less + one, x - y, difference);
                if (withHard)
                    hard += SimdMath.Exp2((Load(z, i, n, float.NegativeInfinity) - maximumZ) * F.Splat(Log2E));
            }

            sums.Student += F.Sum(student);
            sums.Teacher += F.Sum(teacher);
            sums.Hard += F.Sum(hard);
            sums.Cross += F.Sum(cross);
            sums.Difference += F.Sum(difference);
        }

        private void StoreFlatGradient(T* z, T* v, T* gradient, RowSums sums, RowLabel label, RowLoss loss)
        {
            int n = _settings.Columns;
            bool withHard = loss.HardFactor > 0;
            F one = F.Splat(1);
            F maximumZ = F.Splat(sums.StudentMaximum);
            F maximumV = F.Splat(sums.TeacherMaximum);
            F scale = F.Splat(_settings.InverseTemperature);
            F halfScale = F.Splat(0.5f * _settings.InverseTemperature);
            F halfRatio = F.Splat(0.5f * loss.LogRatio);
            F blend = F.Splat(label.Class >= 0 ? _settings.Blend : 0);
            F factor = F.Splat(loss.StudentFactor);
            F hardFactor = F.Splat(loss.HardFactor);
            F uniformFactor = F.Splat(loss.UniformFactor);
            for (int i = 0; i < n; i += F.Width)
            {
                F x = Load(z, i, n, sums.StudentMaximum) - maximumZ;
                F y = Load(v, i, n, sums.TeacherMaximum) - maximumV;
                F half = SimdMath.Expm1Half(((x - y) * halfScale) - halfRatio);
                F ey = one + SimdMath.Expm1Half(y * scale);
                F g = factor * ey * (F.Fma(half, half, half + half) + blend);
                if (withHard)
                    g = F.Fma(SimdMath.Exp2(x * F.Splat(Log2E)), hardFactor, g - (uniformFactor * ClassWeights(i, n)));
                Store(g, gradient, i, n);
            }

            if (label.Class < 0)
                return;
            float element = RowLoss.FlatGradient(loss, _settings, sums, label.Student, label.Teacher, labelled: true);
            element += loss.HardFactor * MathF.Exp(label.Student - sums.StudentMaximum);
            TStorage.StoreOne(element - UniformTerm(loss, label.Class) - loss.LabelTerm, gradient + label.Class);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Keep(F value, float* row, int i, int n)
        {
            if (i + F.Width <= n)
                F.Store(value, row + i);
            else
                F.StorePartial(value, row + i, n - i);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static F Kept(float* row, int i, int n) =>
            i + F.Width <= n ? F.Load(row + i) : F.LoadPartial(row + i, n - i, 0);

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

        private static float Power<M>(float value)
            where M : struct, ITerms
        {
            for (int i = 0; i < M.Squarings; i++)
                value *= value;
            return value;
        }
    }
}
