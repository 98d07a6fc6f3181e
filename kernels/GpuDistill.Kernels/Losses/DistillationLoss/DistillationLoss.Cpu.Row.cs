using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

public static partial class DistillationLoss
{
    // One worker's passes over a row. The lanes of the last vector that lie beyond the row hold the identity of each sum.
    private sealed unsafe partial class CpuRow<F, T, TStorage>
        where F : struct, ISimd<F>
        where T : unmanaged
        where TStorage : unmanaged, ISimdStorage<T>
    {
        private const float Log2E = 1.44269504f;

        private readonly LossSettings _settings;
        private readonly T* _student;
        private readonly T* _teacher;
        private readonly T* _gradient;
        private readonly float* _classWeights;
        private readonly float* _softLosses;
        private readonly float* _hardLosses;
        private readonly float* _totalLosses;

        // Rows of exponentials: the teacher's, the student's at T = 1, and the student's at T where the gradient's row cannot hold them.
        private readonly float* _teacherScratch;
        private readonly float* _hardScratch;
        private readonly float* _studentScratch;

        public CpuRow(Arguments<T> a, float* scratch)
        {
            _settings = a.Settings;
            _student = CpuPointer.Of(a.Student);
            _teacher = CpuPointer.Of(a.Teacher);
            _gradient = CpuPointer.Of(a.Gradient);
            _classWeights = CpuPointer.Of(a.ClassWeights);
            _softLosses = CpuPointer.Of(a.SoftLosses);
            _hardLosses = CpuPointer.Of(a.HardLosses);
            _totalLosses = CpuPointer.Of(a.TotalLosses);
            long stride = Stride(a.Settings.Columns);
            _teacherScratch = scratch;
            _hardScratch = scratch + stride;
            _studentScratch = scratch + (2 * stride);
        }

        public static long ScratchLength(Arguments<T> a) =>
            Stride(a.Settings.Columns) * (typeof(T) == typeof(float) ? 2 : 3);

        public RowRecord Run(int row, RowTask task, float softReduction, float hardReduction)
        {
            T* z = _student + ((long)row * _settings.Columns);
            T* v = _teacher + ((long)task.TeacherRow * _settings.Columns);
            T* gradient = _gradient == null ? null : _gradient + ((long)row * _settings.Columns);
            RowLoss loss = RowLoss.Invalid((InvalidRowReason)task.Reason);
            bool labelled = task.Class >= 0;
            bool correct = false;
            if (task.Works != 0)
            {
                RowSums sums = Maxima(z, v);
                RowLabel label = LabelOf(task.Class, z, v);
                correct = labelled && label.Student == sums.StudentMaximum && !Holds(z, task.Class, sums.StudentMaximum);
                if (labelled && _settings.Smoothing > 0)
                    SumUniform(z, ref sums);
                loss = Passes(z, v, gradient, sums, label, softReduction, hardReduction);
            }

            if (gradient != null && (task.Works == 0 || loss.Reason != 0))
                new Span<T>(gradient, _settings.Columns).Clear();
            if (_softLosses != null)
                _softLosses[row] = loss.Soft;
            if (_hardLosses != null)
                _hardLosses[row] = loss.Hard;
            if (_totalLosses != null)
                _totalLosses[row] = (_settings.SoftWeight * loss.Soft) + (_settings.HardWeight * loss.Hard);
            return RowRecord.Of(loss, labelled, correct);
        }

        private RowLoss Passes(
            T* z, T* v, T* gradient, RowSums sums, RowLabel label, float softReduction, float hardReduction)
        {
            bool hard = _settings.Hard != 0 && label.Class >= 0;
            if (sums.Flat != 0)
                return Flat(z, v, gradient, sums, label, hard, softReduction, hardReduction);
            if (_settings.Soft == 0)
                return Row<HardAlone>(z, v, gradient, sums, label, softReduction, hardReduction);
            if (!hard)
                return Row<SoftAlone>(z, v, gradient, sums, label, softReduction, hardReduction);
            return _settings.InverseTemperature switch
            {
                1 => Row<BothAtOne>(z, v, gradient, sums, label, softReduction, hardReduction),
                1 / 2f => Row<BothAtTwo>(z, v, gradient, sums, label, softReduction, hardReduction),
                1 / 4f => Row<BothAtFour>(z, v, gradient, sums, label, softReduction, hardReduction),
                1 / 8f => Row<BothAtEight>(z, v, gradient, sums, label, softReduction, hardReduction),
                _ => Row<Both>(z, v, gradient, sums, label, softReduction, hardReduction),
            };
        }

        private static long Stride(int columns) => ((long)columns + 15) / 16 * 16;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static F Load(T* row, int i, int n, float rest) =>
            i + F.Width <= n ? TStorage.Load<F>(row + i) : TStorage.LoadPartial<F>(row + i, n - i, rest);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Store(F value, T* row, int i, int n)
        {
            if (i + F.Width <= n)
                TStorage.Store(value, row + i);
            else
                TStorage.StorePartial(value, row + i, n - i);
        }

        private RowSums Maxima(T* z, T* v)
        {
            RowSums sums = default;
            if (_settings.SeeksFlatRows != 0)
            {
                RowRange range = RangeOf(z, v);
                sums.StudentMaximum = range.StudentMaximum;
                sums.TeacherMaximum = range.TeacherMaximum;
                sums.Flat = RowRange.IsFlat(range, _settings.InverseTemperature) ? 1 : 0;
                return sums;
            }

            int n = _settings.Columns;
            F student = F.Splat(float.NegativeInfinity);
            F teacher = student;
            if (_settings.Soft == 0)
            {
                for (int i = 0; i < n; i += F.Width)
                    student = F.Max(Load(z, i, n, float.NegativeInfinity), student);
            }
            else
            {
                for (int i = 0; i < n; i += F.Width)
                {
                    student = F.Max(Load(z, i, n, float.NegativeInfinity), student);
                    teacher = F.Max(Load(v, i, n, float.NegativeInfinity), teacher);
                }
            }

            sums.StudentMaximum = F.HorizontalMax(student);
            sums.TeacherMaximum = F.HorizontalMax(teacher);
            return sums;
        }

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

        private RowLabel LabelOf(int label, T* z, T* v)
        {
            RowLabel result = new() { Class = label, Weight = 1 };
            if (label < 0)
                return result;
            result.Student = TStorage.LoadOne(z + label);
            if (_settings.Soft != 0)
                result.Teacher = TStorage.LoadOne(v + label);
            if (_classWeights != null)
                result.Weight = _classWeights[label];
            return result;
        }

        // Whether one of the first n logits is this maximum.
        private static bool Holds(T* z, int n, float maximum)
        {
            F found = F.Splat(float.NegativeInfinity);
            for (int i = 0; i < n; i += F.Width)
                found = F.Max(Load(z, i, n, float.NegativeInfinity), found);
            return n > 0 && F.HorizontalMax(found) == maximum;
        }

        // Label smoothing is rare and has a pass of its own.
        private void SumUniform(T* z, ref RowSums sums)
        {
            int n = _settings.Columns;
            F maximum = F.Splat(sums.StudentMaximum);
            F none = F.Splat(0);
            F logits = none;
            F weights = none;
            for (int i = 0; i < n; i += F.Width)
            {
                F w = ClassWeights(i, n);
                logits += F.Select(F.AreEqual(w, none), none, w * (Load(z, i, n, sums.StudentMaximum) - maximum));
                weights += w;
            }

            sums.Uniform = F.Sum(logits);
            sums.UniformWeight = _classWeights == null ? n : F.Sum(weights);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private F ClassWeights(int i, int n)
        {
            if (_classWeights == null)
                return F.Splat(1);
            return i + F.Width <= n ? F.Load(_classWeights + i) : F.LoadPartial(_classWeights + i, n - i, 0);
        }
    }
}
