using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

public static partial class DistillationLoss
{
    // Rows of no more classes than a vector has lanes: one vector of each exponential, handed from the sums to the gradient. What a
    // row of 10 classes costs is calls and copies, not arithmetic. The three steps are methods of their own because together
    // they exceed what the compiler is willing to inline, and then even an addition of vectors is a call.
    private sealed unsafe partial class CpuRow<F, T, TStorage>
    {
        // False where a logit is infinite or a difference overflows, as in Sums: then the general way sees to the row.
        private bool TryShortRow<M>(in RowPlace place, RowSums sums, out RowLoss loss, out bool correct)
            where M : struct, ITerms
        {
            AddShortRow<M>(place, ref sums, out ShortRow row);
            loss = default;
            correct = false;
            if (!float.IsFinite(sums.Cross) || !float.IsFinite(sums.Difference))
                return false;
            correct = IsCorrect(place, sums); // before the gradient, which may overwrite the logits
            loss = LossOf(place, ref sums);
            if (place.Gradient != null && loss.Reason == 0)
                StoreShortGradient<M>(place, row, loss);
            return true;
        }

        [MethodImpl(SimdLoop.Alone)]
        private void AddShortRow<M>(in RowPlace place, ref RowSums sums, out ShortRow row)
            where M : struct, ITerms
        {
            int n = _settings.Columns;
            float rest = M.Soft ? float.MinValue : float.NegativeInfinity;
            F lowest = F.Splat(float.MinValue);
            F scale = F.Splat(M.Soft ? Log2E * _settings.InverseTemperature : Log2E);
            row = default;
            F z = Load(place.Student, 0, n, rest);
            sums.StudentMaximum = F.HorizontalMax(F.Max(z, lowest));
            F x = z - F.Splat(sums.StudentMaximum);
            F ex = SimdMath.Exp2(x * scale);
            row.Student = ex;
            sums.Student = F.Sum(ex);
            if (M.Soft)
            {
                F v = Load(place.Teacher, 0, n, rest);
                sums.TeacherMaximum = F.HorizontalMax(F.Max(v, lowest));
                F y = v - F.Splat(sums.TeacherMaximum);
                F ey = SimdMath.Exp2(y * scale);
                row.Teacher = ey;
                sums.Teacher = F.Sum(ey);
                sums.Cross = F.Sum(ey * x);
                sums.Difference = F.Sum(ey * (x - y));
                if (M.Hard)
                    row.Hard = M.Squarings < 0 ? SimdMath.Exp2(x * F.Splat(Log2E)) : Power<M>(ex);
            }

            if (M.Hard)
                sums.Hard = M.Soft ? F.Sum(row.Hard) : sums.Student;
        }

        [MethodImpl(SimdLoop.Alone)]
        private void StoreShortGradient<M>(in RowPlace place, in ShortRow row, in RowLoss loss)
            where M : struct, ITerms
        {
            F g = row.Student * F.Splat(M.Soft ? loss.StudentFactor : loss.HardFactor);
            if (M.Soft)
                g = F.Fma(row.Teacher, F.Splat(-loss.TeacherFactor), g);
            if (M.Soft && M.Hard)
                g = F.Fma(row.Hard, F.Splat(loss.HardFactor), g);
            if (place.Label.Class >= 0)
                g -= F.Load(_oneHot + F.Width - place.Label.Class) * F.Splat(loss.LabelTerm);
            if (_settings.Columns == F.Width)
                TStorage.Store(g, place.Gradient);
            else
                TStorage.StorePartial(g, place.Gradient, _settings.Columns);
        }

        // The exponentials of a short row.
        private struct ShortRow
        {
            public F Student;
            public F Teacher;
            public F Hard;
        }
    }
}
