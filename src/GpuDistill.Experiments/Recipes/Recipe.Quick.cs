using GpuDistill.Kernels;

namespace GpuDistill.Experiments;

internal sealed partial record Recipe
{
    /// <summary>The recipe that CI can afford.</summary>
    public static Recipe Quick { get; } = new()
    {
        Prefix = "quick-",
        ComparesWithPaper = false,
        Teacher = Regularized(Train("784-400-400-10", epochs: 6, rate: 0.1f), weightDecay: 0),
        HardStudent = Train("784-100-100-10", epochs: 5, rate: 0.1f),
        DistilledStudent = Train("784-100-100-10", epochs: 10, rate: 0.1f),
        Distillation = new DistillationOptions { Temperature = 20, SoftWeight = 1, HardWeight = 0 },
        WideSweep = new(Train("784-300-300-10", epochs: 2, rate: 0.1f), [1, 2, 4, 8, 20, 40], StudentsPerSeed: 1),
        NarrowSweep = new(Train("784-30-30-10", epochs: 4, rate: 0.1f), [1, 2, 3, 4, 8, 20, 40], StudentsPerSeed: 2),
        OmittedDigit = new(Train("784-200-200-10", epochs: 5, rate: 0.1f), Temperature: 20),
        TwoDigits = new(Train("784-200-200-10", epochs: 12, rate: 0.1f, warmup: 4), Temperature: 20),
        SmallTransfer = new(
            Train("784-100-100-10", epochs: 1, rate: 0.1f, warmup: 0),
            Temperature: 4,
            Sizes: [(0.01, 40), (0.03, 20), (0.1, 10), (1, 2)],
            Rates: [0.02f, 0.1f, 0.5f, 2],
            Cases: 1000),
        Labels = new(
            Train("784-50-50-10", epochs: 3, rate: 0.1f),
            Temperature: 4,
            HardWeights: [0.1f, 0.5f, 1],
            LabelBlends: [0.1f, 0.5f],
            ScalingTemperatures: [1, 4, 20],
            ScalingHardWeight: 0.1f),
        LogitMatching = new(Train("784-100-100-10", epochs: 3, rate: 0.1f), [1, 4, 20, 100], [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]),
        Ensemble = new(
            Train("784-100-100-10", epochs: 3, rate: 0.1f), Members: 3, Train("784-100-100-10", epochs: 3, rate: 0.1f), Temperature: 4),
    };
}
