using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

public static partial class DistillationLoss
{
    // Rows whose logits span less than half a temperature (LowestFlatTemperature): range, sums, gradient.
    private sealed unsafe partial class CpuRow<F, T, TStorage>
    {
        [MethodImpl(SimdLoop.Alone)]
        private RowRange RangeOf(T* z, T* v)
        {
            int n = _settings.Columns;
            F highZ = F.Splat(float.NegativeInfinity);
            F lowZ = F.Splat(float.PositiveInfinity);
            F highV = highZ;
            F lowV = lowZ;
            for (int i = 0; i < n; i += F.Width)
            {
                highZ = F.Max(Load(z, i, n, float.NegativeInfinity), highZ);
                lowZ = F.Min(Load(z, i, n, float.PositiveInfinity), lowZ);
                highV = F.Max(Load(v, i, n, float.NegativeInfinity), highV);
                lowV = F.Min(Load(v, i, n, float.PositiveInfinity), lowV);
            }

            F none = F.Splat(0);
            return new RowRange
            {
                StudentMaximum = F.HorizontalMax(highZ),
                StudentMinimum = -F.HorizontalMax(none - lowZ),
                TeacherMaximum = F.HorizontalMax(highV),
                TeacherMinimum = -F.HorizontalMax(none - lowV),
            };
        }

        private RowLoss FlatRow(in RowPlace place, RowSums sums, out bool correct)
        {
            sums.Flat = 1;
            bool hard = _settings.Hard != 0 && place.Label.Class >= 0;
            for (int start = 0; start < _settings.Columns; start += Block)
                AddFlatBlock(place, start, Math.Min(_settings.Columns - start, Block) + start, hard, ref sums);
            correct = IsCorrect(place, sums);
            RowLoss loss = LossOf(place, ref sums);
            if (place.Gradient != null && loss.Reason == 0)
                StoreFlatGradient(place, sums, loss);
            return loss;
        }

        [MethodImpl(SimdLoop.Alone)]
        private void AddFlatBlock(RowPlace place, int start, int end, bool withHard, ref RowSums sums)
        {
            F one = F.Splat(1);
            F maximumZ = F.Splat(sums.StudentMaximum);
            F maximumV = F.Splat(sums.TeacherMaximum);
            F scale = F.Splat(_settings.InverseTemperature);
            F student = F.Splat(0);
            F teacher = student;
            F hard = student;
            F cross = student;
            F difference = student;
            for (int i = start; i < end; i += F.Width)
            {
                F x = Load(place.Student, i, end, sums.StudentMaximum) - maximumZ;
                F y = Load(place.Teacher, i, end, sums.TeacherMaximum) - maximumV;
                F less = SimdMath.Expm1Half(y * scale);
                teacher += less;
                cross = F.Fma(less + one, x, cross);
                difference = F.Fma(less + one, x - y, difference);
                student = F.Fma(less + one, SimdMath.ExcessHalf((x - y) * scale), student);
                if (withHard)
                    hard += SimdMath.Exp2((Load(place.Student, i, end, float.NegativeInfinity) - maximumZ) * F.Splat(Log2E));
            }

            sums.Student += F.Sum(student);
            sums.Teacher += F.Sum(teacher);
            sums.Hard += F.Sum(hard);
            sums.Cross += F.Sum(cross);
            sums.Difference += F.Sum(difference);
        }

        [MethodImpl(SimdLoop.Alone)]
        private void StoreFlatGradient(RowPlace place, RowSums sums, RowLoss loss)
        {
            int n = _settings.Columns;
            bool withHard = loss.HardFactor > 0;
            F one = F.Splat(1);
            F maximumZ = F.Splat(sums.StudentMaximum);
            F maximumV = F.Splat(sums.TeacherMaximum);
            F scale = F.Splat(_settings.InverseTemperature);
            F halfScale = F.Splat(0.5f * _settings.InverseTemperature);
            F halfRatio = F.Splat(0.5f * loss.LogRatio);
            F blend = F.Splat(place.Label.Class >= 0 ? _settings.Blend : 0);
            F factor = F.Splat(loss.StudentFactor);
            F hardFactor = F.Splat(loss.HardFactor);
            F uniformFactor = F.Splat(loss.UniformFactor);
            for (int i = 0; i < n; i += F.Width)
            {
                F x = Load(place.Student, i, n, sums.StudentMaximum) - maximumZ;
                F y = Load(place.Teacher, i, n, sums.TeacherMaximum) - maximumV;
                F half = SimdMath.Expm1Half(((x - y) * halfScale) - halfRatio);
                F ey = one + SimdMath.Expm1Half(y * scale);
                F g = factor * ey * (F.Fma(half, half, half + half) + blend);
                if (withHard)
                    g = F.Fma(SimdMath.Exp2(x * F.Splat(Log2E)), hardFactor, g - (uniformFactor * ClassWeights(i, n)));
                if (i + F.Width <= n)
                    TStorage.Store(g, place.Gradient + i);
                else
                    TStorage.StorePartial(g, place.Gradient + i, n - i);
            }

            RowLabel label = place.Label;
            if (label.Class < 0)
                return;
            float element = RowLoss.FlatGradient(loss, _settings, sums, label.Student, label.Teacher, labelled: true);
            element += loss.HardFactor * MathF.Exp(label.Student - sums.StudentMaximum);
            float uniform = loss.UniformFactor * (_classWeights != null ? _classWeights[label.Class] : 1);
            TStorage.StoreOne(element - uniform - loss.LabelTerm, place.Gradient + label.Class);
        }
    }
}
