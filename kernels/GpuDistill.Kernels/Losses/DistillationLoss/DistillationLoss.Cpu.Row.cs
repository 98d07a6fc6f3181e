using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

public static partial class DistillationLoss
{
    // One worker's way through its rows: sums (Sums.cs), losses (RowLoss), gradient (Gradient.cs); flat rows have their own.
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
        private readonly bool _streams;

        // Short rows: see Short.cs. A 1 in the midst of zeros, from which any one-hot vector can be read.
        private readonly bool _short;
        private readonly float* _oneHot;

        // A row of exponentials each, the student's and the teacher's at T and the student's at T = 1, and the maxima that a
        // block's exponentials are relative to.
        private readonly float* _studentScratch;
        private readonly float* _teacherScratch;
        private readonly float* _hardScratch;
        private readonly float* _studentMaxima;
        private readonly float* _teacherMaxima;

        public CpuRow(LossArguments<T> a, float* scratch)
        {
            _settings = a.Settings;
            _student = CpuPointer.Of(a.Student);
            _teacher = CpuPointer.Of(a.Teacher);
            _gradient = CpuPointer.Of(a.Gradient);
            _classWeights = CpuPointer.Of(a.ClassWeights);
            _softLosses = CpuPointer.Of(a.SoftLosses);
            _hardLosses = CpuPointer.Of(a.HardLosses);
            _totalLosses = CpuPointer.Of(a.TotalLosses);
            _streams = typeof(T) == typeof(float) && _gradient != _student && a.Gradient.Length >= StreamedFloats;
            _short = a.Settings.Columns <= F.Width && !(a.Settings.Smoothing > 0);
            _oneHot = scratch;
            new Span<float>(_oneHot, OneHotLength).Clear();
            _oneHot[F.Width] = 1;
            _studentScratch = scratch + OneHotLength;
            _teacherScratch = _studentScratch + Stride(a.Settings.Columns);
            _hardScratch = _teacherScratch + Stride(a.Settings.Columns);
            _studentMaxima = _hardScratch + Stride(a.Settings.Columns);
            _teacherMaxima = _studentMaxima + Blocks(a.Settings.Columns);
        }

        // Room for another cache line or two at the end: what workers write must not share one.
        public static long ScratchLength(LossArguments<T> a) =>
            OneHotLength + (3 * Stride(a.Settings.Columns)) + (2 * Blocks(a.Settings.Columns)) + 64;

        private static int OneHotLength => 2 * F.Width;

        // Vectors are written and read whole beyond the end of a row.
        private static long Stride(int columns) => (((long)columns + 15) / 16 * 16) + 32;

        private static long Blocks(int columns) => ((long)columns + Block - 1) / Block;

        public RowRecord Run(int row, RowTask task, float softReduction, float hardReduction)
        {
            T* z = _student + ((long)row * _settings.Columns);
            T* v = _teacher + ((long)task.TeacherRow * _settings.Columns);
            RowPlace place = new()
            {
                Student = z,
                Teacher = v,
                Gradient = _gradient == null ? null : _gradient + ((long)row * _settings.Columns),
                Label = LabelOf(task, z, v),
                SoftReduction = softReduction,
                HardReduction = hardReduction,
            };
            if (_streams)
                place.Head = Math.Min(_settings.Columns, CpuPointer.ElementsToAlign((float*)place.Gradient, F.Width));
            bool correct = false;
            RowLoss loss = task.Works != 0 ? Row(in place, out correct) : RowLoss.Invalid((InvalidRowReason)task.Reason);
            if (place.Gradient != null && (task.Works == 0 || loss.Reason != 0))
                new Span<T>(place.Gradient, _settings.Columns).Clear();
            if (_softLosses != null)
                _softLosses[row] = loss.Soft;
            if (_hardLosses != null)
                _hardLosses[row] = loss.Hard;
            if (_totalLosses != null)
                _totalLosses[row] = (_settings.SoftWeight * loss.Soft) + (_settings.HardWeight * loss.Hard);
            return RowLoss.RecordOf(loss, task.Class >= 0, correct);
        }

        private RowLoss Row(in RowPlace place, out bool correct)
        {
            RowSums sums = RowSums.Lowest;
            if (_settings.SeeksFlatRows != 0)
            {
                RowRange range = RangeOf(place.Student, place.Teacher);
                sums.StudentMaximum = MathF.Max(sums.StudentMaximum, range.StudentMaximum);
                sums.TeacherMaximum = MathF.Max(sums.TeacherMaximum, range.TeacherMaximum);
                if (RowRange.IsFlat(range, _settings.InverseTemperature))
                    return FlatRow(place, sums, out correct);
            }

            if (_settings.Soft == 0)
                return Row<HardAlone>(in place, ref sums, out correct);
            if (_settings.Hard == 0 || place.Label.Class < 0)
                return Row<SoftAlone>(in place, ref sums, out correct);
            return _settings.InverseTemperature switch
            {
                1 => Row<BothAtOne>(in place, ref sums, out correct),
                1 / 2f => Row<BothAtTwo>(in place, ref sums, out correct),
                1 / 4f => Row<BothAtFour>(in place, ref sums, out correct),
                1 / 8f => Row<BothAtEight>(in place, ref sums, out correct),
                _ => Row<Both>(in place, ref sums, out correct),
            };
        }

        private RowLoss Row<M>(in RowPlace place, ref RowSums sums, out bool correct)
            where M : struct, ITerms
        {
            if (_short && TryShortRow<M>(place, sums, out RowLoss loss, out correct))
                return loss;
            sums = Sums<M>(place, sums);
            correct = IsCorrect(place, sums);
            loss = LossOf(place, ref sums);
            if (place.Gradient != null && loss.Reason == 0)
                StoreGradient<M>(place, sums, loss);
            return loss;
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private RowLoss LossOf(in RowPlace place, ref RowSums sums)
        {
            if (place.Label.Class >= 0 && _settings.Smoothing > 0)
                SumUniform(place.Student, ref sums);
            return RowLoss.Of(_settings, sums, place.Label, place.SoftReduction, place.HardReduction);
        }

        private RowLabel LabelOf(RowTask task, T* z, T* v)
        {
            RowLabel label = new() { Class = task.Class, Weight = 1 };
            if (task.Works == 0 || task.Class < 0)
                return label;
            label.Student = TStorage.LoadOne(z + task.Class);
            if (_settings.Soft != 0)
                label.Teacher = TStorage.LoadOne(v + task.Class);
            if (_classWeights != null)
                label.Weight = FloatBits.WeightOrNaN(_classWeights[task.Class]);
            return label;
        }

        // Whether the label's logit is the row's maximum and none before it is as large.
        private static bool IsCorrect(in RowPlace place, in RowSums sums)
        {
            int n = place.Label.Class;
            if (n < 0 || place.Label.Student != sums.StudentMaximum)
                return false;
            F before = F.Splat(float.NegativeInfinity);
            for (int i = 0; i < n; i += F.Width)
                before = F.Max(Load(place.Student, i, n, float.NegativeInfinity), before);
            return F.HorizontalMax(before) < sums.StudentMaximum;
        }

        // Label smoothing is rare and has a pass of its own.
        private void SumUniform(T* z, ref RowSums sums)
        {
            int n = _settings.Columns;
            F maximum = F.Splat(sums.StudentMaximum);
            F none = F.Splat(0);
            F highest = F.Splat(float.PositiveInfinity);
            F nan = F.Splat(float.NaN);
            F logits = none;
            F weights = none;
            for (int i = 0; i < n; i += F.Width)
            {
                // What is no weight is NaN here, as FloatBits.WeightOrNaN has it.
                F w = ClassWeights(i, n);
                w = F.Select(F.Less(w, none), nan, F.Select(F.Less(w, highest), w, nan));
                logits += F.Select(F.AreEqual(w, none), none, w * (Load(z, i, n, sums.StudentMaximum) - maximum));
                weights += w;
            }

            sums.Uniform = F.Sum(logits);
            sums.UniformWeight = _classWeights == null ? n : F.Sum(weights);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static F Load(T* row, int i, int n, float rest) =>
            i + F.Width <= n ? TStorage.Load<F>(row + i) : TStorage.LoadPartial<F>(row + i, n - i, rest);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private F ClassWeights(int i, int n)
        {
            if (_classWeights == null)
                return F.Splat(1);
            return i + F.Width <= n ? F.Load(_classWeights + i) : F.LoadPartial(_classWeights + i, n - i, 0);
        }

        // Where a row's numbers come from and go to.
        private struct RowPlace
        {
            public T* Student;
            public T* Teacher;

            // Null where no gradient is asked for.
            public T* Gradient;

            // Classes before the gradient's first aligned vector, where it is written past the caches.
            public int Head;
            public RowLabel Label;
            public float SoftReduction;
            public float HardReduction;
        }
    }
}
