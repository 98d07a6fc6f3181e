using GpuDistill.Kernels;

namespace GpuDistill.Experiments;

/// <summary>What an experiment is laid out for: the recipe, the seeds and the images; and the runs that several experiments share.</summary>
/// <param name="Recipe">All settings.</param>
/// <param name="Seeds">Seeds per setting, at least 1.</param>
/// <param name="Train">All training images.</param>
/// <param name="TestImages">The number of test images.</param>
internal sealed record Setup(Recipe Recipe, int Seeds, ImageDataset Train, int TestImages)
{
    /// <summary>1 to <see cref="Seeds"/>.</summary>
    public IReadOnlyList<int> AllSeeds => [.. Enumerable.Range(1, Seeds)];

    /// <summary>The run of a teacher.</summary>
    public TrainingRun Teacher(int seed) =>
        Training("teacher", "teacher", seed, Recipe.Teacher, new HardTargets(), keepsModel: true);

    /// <summary>The teacher that a student with this seed learns from, where there are more students than teachers.</summary>
    public TrainingRun TeacherOf(int studentSeed) => Teacher(((studentSeed - 1) % Seeds) + 1);

    /// <summary>The run of the student of the labels alone, in the main table's shape.</summary>
    public TrainingRun HardStudent(int seed) =>
        Training("student-hard", "student on hard labels", seed, Recipe.HardStudent, new HardTargets(), keepsModel: true);

    /// <summary>Soft targets of the teacher at one temperature, and nothing else.</summary>
    public SoftTargets SoftAlone(int studentSeed, float temperature) =>
        new([TeacherOf(studentSeed)], new DistillationOptions { Temperature = temperature, SoftWeight = 1, HardWeight = 0 });

    /// <summary>One training with one seed; all that an experiment varies must be in the key.</summary>
    public TrainingRun Training(
        string key, string title, int seed, TrainingRecipe recipe, Targets targets, TransferSet? transferSet = null,
        bool keepsModel = false, bool validates = false, bool mayDiverge = false) => new()
        {
            Key = Key(key, seed),
            Title = $"{title}, seed {seed}",
            Shape = recipe.Shape,
            Options = recipe.Training with { Seed = (ulong)seed },
            Targets = targets,
            TransferSet = transferSet ?? TransferSet.All,
            KeepsModel = keepsModel,
            Validates = validates,
            MayDiverge = mayDiverge,
            Images = transferSet?.Rows?.Invoke(Train).Count ?? Train.Count,
        };

    /// <summary>A run's key: quick runs and full ones have files of their own.</summary>
    public string Key(string key, int seed) => FormattableString.Invariant($"{Recipe.Prefix}{key}-seed{seed}");
}
