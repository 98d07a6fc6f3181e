namespace GpuDistill.Kernels;

public static partial class DistillationLoss
{
    /// <summary>A batch by the definition, in double precision; the kernels share nothing with it.</summary>
    internal sealed class Reference
    {
        private readonly DistillationOptions _options;
        private readonly float[]? _classWeights;
        private readonly int _columns;

        public Reference(DistillationOptions options, int columns, float[]? classWeights = null)
        {
            _options = options;
            _columns = columns;
            _classWeights = classWeights;
        }

        /// <summary>Losses of one row, unweighted and unreduced, and the gradients that belong to them.</summary>
        public sealed class Row
        {
            public double Soft;
            public double KlDivergence;
            public double Hard;
            public double[] SoftGradient = [];
            public double[] HardGradient = [];

            // The same with sums in place of differences: what rounding is relative to.
            public double[] SoftSize = [];
            public double[] HardSize = [];
            public InvalidRowReason Reason;
            public bool Labelled;
            public bool Correct;
        }

        /// <summary>All rows of a batch with its totals and its gradient.</summary>
        public sealed class Batch
        {
            public Row[] Rows = [];
            public double[] Gradient = [];
            public double[] GradientSize = [];
            public double Soft;
            public double KlDivergence;
            public double Hard;
            public double Total;
            public int Labelled;
            public int Correct;
        }

        public Batch Run(float[] student, float[] teacher, int[]? labels, int[]? teacherRows = null)
        {
            int n = student.Length / _columns;
            Batch batch = new() { Rows = new Row[n], Gradient = new double[student.Length], GradientSize = new double[student.Length] };
            double softCount = 0;
            double hardCount = 0;
            for (int i = 0; i < n; i++)
            {
                int label = labels is null ? _options.IgnoreIndex : labels[i];
                int from = teacherRows is null ? i : teacherRows[i];
                Row row = RowOf(student.AsSpan(i * _columns, _columns), teacher, from, label);
                batch.Rows[i] = row;
                batch.Labelled += row.Labelled ? 1 : 0;
                batch.Correct += row.Correct ? 1 : 0;
                batch.Soft += row.Soft;
                batch.KlDivergence += row.KlDivergence;
                batch.Hard += row.Hard;
                if (row.Reason is InvalidRowReason.Label or InvalidRowReason.TeacherRow)
                    continue;
                softCount++;
                if (row.Labelled && IsWeight(WeightOf(label)))
                    hardCount += WeightOf(label);
            }

            double softScale = ScaleOf(n, softCount);
            double hardScale = ScaleOf(n, hardCount);
            batch.Soft *= softScale;
            batch.KlDivergence *= softScale;
            batch.Hard *= hardScale;
            batch.Total = (_options.SoftWeight * batch.Soft) + (_options.HardWeight * batch.Hard);
            for (int i = 0; i < batch.Gradient.Length; i++)
            {
                Row row = batch.Rows[i / _columns];
                batch.Gradient[i] = (_options.SoftWeight * softScale * row.SoftGradient[i % _columns])
                    + (_options.HardWeight * hardScale * row.HardGradient[i % _columns]);
                batch.GradientSize[i] = (_options.SoftWeight * softScale * row.SoftSize[i % _columns])
                    + (_options.HardWeight * hardScale * row.HardSize[i % _columns]);
            }

            return batch;
        }

        private Row RowOf(ReadOnlySpan<float> z, float[] teacher, int from, int label)
        {
            Row row = Leave(new Row(), InvalidRowReason.None);
            bool soft = _options.SoftWeight > 0;
            if (label != _options.IgnoreIndex && (label < 0 || label >= _columns))
                return Leave(row, InvalidRowReason.Label);
            row.Labelled = label != _options.IgnoreIndex;
            if (soft && (from < 0 || from >= teacher.Length / _columns))
                return Leave(row, InvalidRowReason.TeacherRow);
            if (!soft && !row.Labelled)
                return row;
            if (LogSoftmax(z, 1) is not double[] logH)
                return Leave(row, InvalidRowReason.StudentLogits);
            if (soft)
            {
                if (LogSoftmax(teacher.AsSpan(from * _columns, _columns), _options.Temperature) is not double[] logP)
                    return Leave(row, InvalidRowReason.TeacherLogits);
                AddSoft(row, LogSoftmax(z, _options.Temperature)!, logP, label);
            }

            if (row.Labelled && (_options.HardWeight > 0 || !soft))
            {
                if (!IsWeight(WeightOf(label)) || (_options.LabelSmoothing > 0 && !(_classWeights ?? []).All(weight => IsWeight(weight))))
                    return Leave(row, InvalidRowReason.ClassWeight);
                AddHard(row, logH, label);
            }

            if (!double.IsFinite(row.Soft))
                return Leave(row, InvalidRowReason.InfiniteSoftLoss);
            if (!double.IsFinite(row.Hard))
                return Leave(row, InvalidRowReason.InfiniteHardLoss);
            row.Correct = row.Labelled && Array.IndexOf(z.ToArray(), z.ToArray().Max()) == label;
            return row;
        }

        private void AddSoft(Row row, double[] logQ, double[] logP, int label)
        {
            double temperature = _options.Temperature;
            double scale = _options.ScaleByTemperatureSquared ? temperature * temperature : 1;
            double blend = row.Labelled ? _options.LabelBlend : 0;
            double largest = logP.Max();
            for (int i = 0; i < _columns; i++)
            {
                // Single precision has no smaller normal number.
                double p = logP[i] - largest < Math.Log(1.1754944e-38) ? 0 : Math.Exp(logP[i]);
                p = ((1 - blend) * p) + (i == label ? blend : 0);
                row.Soft -= p > 0 ? scale * p * logQ[i] : 0;
                row.KlDivergence += p > 0 ? scale * p * (Math.Log(p) - logQ[i]) : 0;
                row.SoftGradient[i] = scale / temperature * (Math.Exp(logQ[i]) - p);
                row.SoftSize[i] = scale / temperature * (Math.Exp(logQ[i]) + p);
            }
        }

        private void AddHard(Row row, double[] logH, int label)
        {
            double smoothing = _options.LabelSmoothing;
            double mass = 0;
            double[] target = new double[_columns];
            for (int i = 0; i < _columns; i++)
            {
                target[i] = (smoothing > 0 ? smoothing / _columns * WeightOf(i) : 0) + (i == label ? (1 - smoothing) * WeightOf(i) : 0);
                mass += target[i];
                row.Hard -= target[i] > 0 ? target[i] * logH[i] : 0;
            }

            for (int i = 0; i < _columns; i++)
            {
                row.HardGradient[i] = (mass * Math.Exp(logH[i])) - target[i];
                row.HardSize[i] = (mass * Math.Exp(logH[i])) + target[i];
            }
        }

        private Row Leave(Row row, InvalidRowReason reason) => new()
        {
            Reason = reason,
            Labelled = row.Labelled,
            SoftGradient = new double[_columns],
            HardGradient = new double[_columns],
            SoftSize = new double[_columns],
            HardSize = new double[_columns],
        };

        private static bool IsWeight(double weight) => double.IsFinite(weight) && weight >= 0;

        private double WeightOf(int label) => _classWeights is null ? 1 : _classWeights[label];

        private double ScaleOf(int rows, double count)
        {
            if (_options.Normalizer is float normalizer)
                return 1.0 / normalizer;
            return _options.Reduction switch
            {
                Reduction.BatchMean => 1.0 / rows,
                Reduction.Mean => count > 0 ? 1 / count : 0,
                _ => 1,
            };
        }

        private static double[]? LogSoftmax(ReadOnlySpan<float> logits, double temperature)
        {
            double maximum = double.NegativeInfinity;
            foreach (float z in logits)
            {
                if (float.IsNaN(z) || float.IsPositiveInfinity(z))
                    return null;
                maximum = Math.Max(maximum, z);
            }

            if (double.IsNegativeInfinity(maximum))
                return null;
            double sum = 0;
            foreach (float z in logits)
                sum += Math.Exp((z - maximum) / temperature);
            double[] result = new double[logits.Length];
            for (int i = 0; i < result.Length; i++)
                result[i] = ((logits[i] - maximum) / temperature) - Math.Log(sum);
            return result;
        }
    }
}
