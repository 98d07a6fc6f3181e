using Xunit;

namespace GpuDistill.Experiments.Tests.Runs;

/// <summary>What is kept is found again with the same settings, and with no others.</summary>
public sealed class RunStoreTests : IDisposable
{
    private static readonly Dictionary<string, string> Common = new() { ["device"] = "cpu" };

    private readonly string _directory = Directory.CreateTempSubdirectory("gpudistill-").FullName;
    private readonly Setup _setup = new(Tiny.Recipe, 2, Tiny.Train, Tiny.Test.Count);

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_finished_run_is_found()
    {
        Run run = Student();
        Keep(run);
        Assert.Equal(74, new RunStore(_directory, Common).Find(run)!.Measures[Measure.TestErrors]);
    }

    [Fact]
    public void Other_settings_are_another_run()
    {
        TrainingRun run = Student();
        Keep(run);
        RunStore store = new(_directory, Common);
        Assert.Null(store.Find(Student(epochs: 4)));
        Assert.Null(store.Find(Student(temperature: 5)));
        Assert.Null(store.Find(Student(transferSet: TransferSet.Without(3))));
        Assert.Null(new RunStore(_directory, new Dictionary<string, string> { ["device"] = "cuda:0" }).Find(run));
        Assert.NotNull(store.Find(run));
    }

    [Fact]
    public void Another_teacher_makes_another_student()
    {
        Keep(Student());
        Setup other = _setup with { Recipe = Tiny.Recipe with { Teacher = Tiny.Recipe.HardStudent } };
        Assert.Null(new RunStore(_directory, Common).Find(Student(setup: other)));
    }

    [Fact]
    public void A_run_whose_network_is_gone_is_done_again()
    {
        TrainingRun teacher = _setup.Teacher(1);
        Keep(teacher);
        RunStore store = new(_directory, Common);
        Assert.Null(store.Find(teacher));
        SaveNetwork(store, teacher);
        Assert.NotNull(store.Find(teacher));
    }

    [Fact]
    public void A_run_whose_network_is_damaged_is_done_again_and_says_so()
    {
        TrainingRun teacher = _setup.Teacher(1);
        Keep(teacher);
        RunStore store = new(_directory, Common);
        SaveNetwork(store, teacher);
        byte[] bytes = File.ReadAllBytes(store.ModelPath(teacher));
        File.WriteAllBytes(store.ModelPath(teacher), bytes[..^50]);
        Assert.Null(store.Find(teacher, out string? damage));
        Assert.Contains(store.ModelPath(teacher), damage);
        bytes[^1] ^= 1;
        File.WriteAllBytes(store.ModelPath(teacher), bytes);
        Assert.Null(store.Find(teacher, out damage));
        Assert.Contains("checksum", damage);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("[1]")]
    public void A_damaged_file_is_no_finished_run(string text)
    {
        Run run = Student();
        Keep(run);
        File.WriteAllText(Path.Combine(_directory, "runs", $"{run.Key}.json"), text);
        Assert.Null(new RunStore(_directory, Common).Find(run));
    }

    [Fact]
    public void Quick_and_full_runs_have_files_of_their_own()
    {
        string[] quick = Keys(Recipe.Quick);
        string[] full = Keys(Recipe.Full);
        Assert.Empty(quick.Intersect(full));
        Assert.All(quick, key => Assert.StartsWith("quick-", key));
        Assert.All(quick.Concat(full), key => Assert.Matches("^[a-z0-9.-]+$", key));
    }

    [Fact]
    public void Equal_keys_are_equal_runs()
    {
        // Over all experiments, since they share one directory.
        foreach (IGrouping<string, Run> runs in Runs(Recipe.Full).GroupBy(run => run.Key))
            Assert.Single(runs.Select(run => string.Join('\n', run.Settings.Select(setting => $"{setting.Key}={setting.Value}"))).Distinct());
    }

    [Fact]
    public void Different_runs_of_an_experiment_have_different_names()
    {
        Setup setup = new(Recipe.Full, 3, Tiny.Train, Tiny.Test.Count);
        foreach (ExperimentInfo info in ExperimentCatalog.All)
        {
            string[] titles = [.. info.Create(setup).Runs.DistinctBy(run => run.Key).Select(run => run.Title)];
            Assert.Equal(titles.Distinct(), titles);
        }
    }

    private void SaveNetwork(RunStore store, TrainingRun run)
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using Network network = new Network(device, run.Shape).Initialize(1);
        store.SaveModel(run, network);
    }

    private static IEnumerable<Run> Runs(Recipe recipe)
    {
        Setup setup = new(recipe, 3, Tiny.Train, Tiny.Test.Count);
        return ExperimentCatalog.All.SelectMany(info => info.Create(setup).Runs);
    }

    private static string[] Keys(Recipe recipe) => [.. Runs(recipe).Select(run => run.Key).Distinct()];

    private TrainingRun Student(int epochs = 3, float temperature = 4, TransferSet? transferSet = null, Setup? setup = null)
    {
        setup ??= _setup;
        TrainingRecipe recipe = Tiny.Recipe.HardStudent;
        recipe = recipe with { Training = recipe.Training with { Epochs = epochs } };
        return setup.Training("student", "student", 1, recipe, setup.SoftAlone(1, temperature), transferSet);
    }

    private void Keep(Run run) => new RunStore(_directory, Common).Keep(
        run, new Dictionary<string, double> { [Measure.TestErrors] = 74 }, TimeSpan.FromSeconds(1), DateTimeOffset.UnixEpoch);
}
