using System.Text.Json;
using GpuDistill.Mnist;
using Xunit;

namespace GpuDistill.Cli.Tests;

/// <summary>All commands one after the other, on a small part of MNIST.</summary>
public sealed class EndToEndTests(EndToEndTests.Workshop workshop) : IClassFixture<EndToEndTests.Workshop>
{
    [Fact]
    public void Train_writes_a_model_that_evaluate_counts_the_same_errors_of()
    {
        JsonElement trained = JsonDocument.Parse(File.ReadAllText(workshop["teacher/result.json"])).RootElement;
        Assert.InRange(trained.GetProperty("errors").GetInt32(), 0, 60); // of 100; chance is 90
        Assert.Equal("test", trained.GetProperty("measuredOn").GetString());
        CliResult result = workshop.Run("evaluate", workshop["teacher"], "--json", "--output", workshop["evaluated"]);
        JsonElement evaluated = JsonDocument.Parse(result.Out).RootElement;
        Assert.StartsWith("cpu (", Assert.Single(result.Error.TrimEnd('\n').Split('\n')));
        Assert.Equal(trained.GetProperty("errors").GetInt32(), evaluated.GetProperty("errors").GetInt32());
        Assert.Equal(10, evaluated.GetProperty("errorsByClass").GetArrayLength());
        Assert.Equal(result.Out, File.ReadAllText(workshop["evaluated/evaluation.json"]));
    }

    [Fact]
    public void Evaluate_shows_a_table_of_the_classes()
    {
        CliResult result = workshop.Run("evaluate", workshop["teacher/model.safetensors"], "--part", "train");
        Assert.Contains("on 600 images", result.Out);
        Assert.Contains("Class", result.Out);
        Assert.DoesNotContain('\u001b', result.Out);
    }

    [Fact]
    public void Logits_once_written_train_the_same_student_as_the_teacher_itself()
    {
        string[] options = ["--epochs", "3", "--batch", "50", "--student", "784-12-10", "--validation", "100", "--images", "450"];
        workshop.Run(["distill", "--teacher", workshop["teacher"], "--output", workshop["one"], .. options]);
        CliResult stored = workshop.Run(["distill", "--logits", workshop["logits"], "--output", workshop["two"], "--json", .. options]);
        Assert.Equal(File.ReadAllBytes(workshop["one/model.safetensors"]), File.ReadAllBytes(workshop["two/model.safetensors"]));
        JsonElement report = JsonDocument.Parse(stored.Out).RootElement;
        Assert.Equal("validation", report.GetProperty("measuredOn").GetString());
        Assert.Equal(100, report.GetProperty("images").GetInt32());
        Assert.Equal(450, report.GetProperty("trainingImages").GetInt32());
        JsonElement logits = report.GetProperty("distillation").GetProperty("teacherLogits");
        Assert.Equal(1, logits.GetProperty("uploads").GetInt32());
        Assert.Equal(600 * 10 * 4, logits.GetProperty("bytes").GetInt64());
        Assert.Contains("Student: done in", stored.Error);
    }

    [Theory]
    [InlineData("--temperature 8 --no-temperature-squared --soft-weight 1 --hard-weight 0")]
    [InlineData("--label-blend 0.3 --label-smoothing 0.1 --temperature 2")]
    [InlineData("--objective logit-matching --no-zero-mean --rate 0.001")]
    [InlineData("--objective logit-matching --optimizer adamw --activation gelu --max-norm 3 --warmup 0.5 --decay step --decay-epochs 1 --jitter 1")]
    [InlineData("--nesterov --momentum 0.8 --weight-decay 0.001 --dropout 0.2 --input-dropout 0.1 --activation tanh --decay none")]
    public void Every_setting_changes_the_student(string options)
    {
        string[] words = options.Split(' ');
        string[] common = ["--logits", workshop["logits"], "--student", "784-12-10", "--epochs", "2", "--batch", "50"];
        workshop.Run(["distill", "--overwrite", "--output", workshop["plain"], .. common]);
        workshop.Run(["distill", "--overwrite", "--output", workshop["other"], .. common, .. words]);
        Assert.NotEqual(File.ReadAllBytes(workshop["plain/model.safetensors"]), File.ReadAllBytes(workshop["other/model.safetensors"]));
    }

    [Fact]
    public void Everything_goes_in_mixed_precision_too_and_the_result_says_so()
    {
        string[] bf16 = ["--precision", "bf16"];
        string[] distill = ["distill", "--student", "784-12-10", "--epochs", "3", "--batch", "50", "--json", .. bf16];
        workshop.Run(["logits", "--teacher", workshop["teacher"], "--output", workshop["bf16-logits"], .. bf16]);
        CliResult stored = workshop.Run([.. distill, "--logits", workshop["bf16-logits"], "--output", workshop["bf16-one"]]);
        workshop.Run([.. distill, "--teacher", workshop["teacher"], "--output", workshop["bf16-two"]]);
        Assert.Equal(File.ReadAllBytes(workshop["bf16-one/model.safetensors"]), File.ReadAllBytes(workshop["bf16-two/model.safetensors"]));
        JsonElement report = JsonDocument.Parse(stored.Out).RootElement;
        Assert.Equal("bf16", report.GetProperty("options").GetProperty("precision").GetString());
        CliResult evaluated = workshop.Run(["evaluate", workshop["bf16-one"], "--json", .. bf16]);
        Assert.Equal(report.GetProperty("errors").GetInt32(), JsonDocument.Parse(evaluated.Out).RootElement.GetProperty("errors").GetInt32());
        Assert.Equal(report.GetProperty("crossEntropy").GetDouble(), JsonDocument.Parse(evaluated.Out).RootElement.GetProperty("crossEntropy").GetDouble());
        workshop.Run(["evaluate", workshop["bf16-one"]]); // the model is as any other
        Assert.NotEqual(File.ReadAllBytes(workshop["logits/logits.safetensors"]), File.ReadAllBytes(workshop["bf16-logits/logits.safetensors"]));
    }

    [Fact]
    public void An_arithmetic_mean_can_be_distilled_at_its_own_temperature_only()
    {
        workshop.Run("train", "--layers", "784-8-10", "--epochs", "1", "--seed", "2", "--output", workshop["second"]);
        workshop.Run(
            "logits", "--teacher", workshop["teacher"], workshop["second"], "--mean", "arithmetic", "--temperature", "3",
            "--output", workshop["mean"]);
        string[] distill = ["distill", "--logits", workshop["mean"], "--epochs", "1", "--output", workshop["student-of-mean"]];
        Assert.Contains("logits.safetensors: it holds an arithmetic mean at T = 3; --temperature is 4", workshop.Refused(distill));
        workshop.Run([.. distill, "--temperature", "3"]);
    }

    [Fact]
    public void Not_a_number_in_a_logits_file_is_named_with_file_and_row()
    {
        byte[] bytes = File.ReadAllBytes(workshop["logits/logits.safetensors"]);
        BitConverter.TryWriteBytes(bytes.AsSpan(bytes.Length - 4 - (40 * 7)), float.NaN);
        WithoutChecksum(bytes);
        File.WriteAllBytes(workshop["nan.safetensors"], bytes);
        Assert.Contains(
            "nan.safetensors: row 592 has no softmax",
            workshop.Refused("distill", "--logits", workshop["nan.safetensors"], "--output", workshop["never"]));
    }

    [Fact]
    public void Not_a_number_in_a_model_is_named_with_file_and_layer()
    {
        byte[] bytes = File.ReadAllBytes(workshop["teacher/model.safetensors"]);
        BitConverter.TryWriteBytes(bytes.AsSpan(bytes.Length - 4), float.PositiveInfinity);
        WithoutChecksum(bytes);
        File.WriteAllBytes(workshop["infinite.safetensors"], bytes);
        Assert.Contains("infinite.safetensors: layer 1 holds NaN or infinity", workshop.Refused("evaluate", workshop["infinite.safetensors"]));
    }

    [Fact]
    public void A_truncated_model_is_named()
    {
        byte[] bytes = File.ReadAllBytes(workshop["teacher/model.safetensors"]);
        File.WriteAllBytes(workshop["short.safetensors"], bytes[..^8]);
        Assert.Contains("short.safetensors: it is truncated", workshop.Refused("evaluate", workshop["short.safetensors"]));
    }

    [Fact]
    public void Class_counts_and_row_counts_that_do_not_match_name_the_file()
    {
        workshop.Run("train", "--layers", "784-8-12", "--epochs", "1", "--output", workshop["twelve"]);
        Assert.Contains(
            "the teacher 784-8-12 has 12 classes; --student 784-32-10 has 10",
            workshop.Refused("distill", "--teacher", workshop["twelve"], "--output", workshop["never"]));
        Assert.Contains(
            $"{workshop["twelve/model.safetensors"]}: the teacher 784-8-12 has 12 classes",
            workshop.Refused("logits", "--teacher", workshop["teacher"], workshop["twelve/model.safetensors"], "--output", workshop["never"]));
        TinyMnist.Write(workshop["smaller"], train: 50);
        Assert.Contains(
            "logits.safetensors: it holds logits of 600 rows; 'smaller train' has 50 images",
            CliRunner.Refused("distill", "--logits", workshop["logits"], "--data", workshop["smaller"], "--output", workshop["never"]));
        Assert.False(File.Exists(workshop["never/model.safetensors"]));
    }

    [Fact]
    public void Data_with_another_number_of_classes_goes_all_the_way()
    {
        TinyMnist.Write(workshop["parity"], train: 200, classes: 2);
        string[] data = ["--data", workshop["parity"], "--device", "cpu"];
        CliRunner.Succeeds(["train", "--layers", "784-16-2", "--epochs", "2", "--output", workshop["two-teacher"], .. data]);
        CliRunner.Succeeds(["distill", "--teacher", workshop["two-teacher"], "--student", "784-4-2", "--epochs", "1", "--output", workshop["two-student"], .. data]);
        JsonElement report = JsonDocument.Parse(CliRunner.Succeeds(["evaluate", workshop["two-student"], "--json", .. data]).Out).RootElement;
        Assert.Equal(2, report.GetProperty("imagesByClass").GetArrayLength());
        CliRunner.Succeeds(["demo", "--output", workshop["two-demo"], .. data]);
        Assert.Contains("784-200-2 on", CliRunner.Succeeds(["evaluate", workshop["two-demo/student-distilled.safetensors"], .. data]).Out);
        Assert.Contains(
            "model.safetensors: the network 784-4-2 has 2 classes; ",
            workshop.Refused("evaluate", workshop["two-student/model.safetensors"]));
    }

    [Fact]
    public void A_checkpoint_that_does_not_fit_is_named()
    {
        Assert.Contains(
            "model.safetensors: it is no checkpoint",
            workshop.Refused("train", "--resume", workshop["teacher/model.safetensors"], "--output", workshop["never"]));
    }

    [Fact]
    public void A_checkpoint_of_other_settings_is_refused_before_a_teacher_is_run()
    {
        using (DistillDevice device = DistillDevice.Open("cpu"))
        using (ResidentImages images = new(device, EmbeddedMnist.Train.Take(600)))
        using (TeacherLogits logits = TeacherLogits.FromHost(device, new float[6000], 600, 10))
        using (Network student = new(device, NetworkShape.Parse("784-32-10")))
        using (Trainer trainer = new(student, images, Objective.Distillation(logits), new TrainingOptions()))
            trainer.SaveCheckpoint(workshop["other.safetensors"]);
        CliResult result = CliRunner.Run(
            "distill", "--data", workshop["data"], "--device", "cpu", "--teacher", workshop["teacher"], "--output", workshop["never"],
            "--resume", workshop["other.safetensors"], "--temperature", "2", "--rate", "0.01");
        Assert.Equal(ExitCode.BadInput, result.Code);
        Assert.Contains("--temperature was 4, is 2", result.Error);
        Assert.Contains("--rate was 0.05, is 0.01", result.Error);
        Assert.Equal("", result.Out);
    }

    [Fact]
    public void The_demo_compares_three_networks_and_writes_its_metrics()
    {
        CliResult result = workshop.Run("demo", "--output", workshop["demo"], "--seed", "3");
        Assert.Contains("Errors of 100", result.Out);
        Assert.Contains("The distilled student makes ", result.Out);
        Assert.DoesNotContain('\u001b', result.Out);
        JsonElement metrics = JsonDocument.Parse(File.ReadAllText(workshop["demo/metrics.json"])).RootElement;
        Assert.Equal(["device", "seconds", "teacher", "studentHard", "studentDistilled", "teacherLogits"], Names(metrics));
        Assert.Equal(["parameters", "testErrors", "seconds"], Names(metrics.GetProperty("teacher")));
        Assert.Equal(["parameters", "testErrors", "seconds"], Names(metrics.GetProperty("studentHard")));
        Assert.Equal(
            ["parameters", "testErrors", "seconds", "temperature", "softWeight", "hardWeight"], Names(metrics.GetProperty("studentDistilled")));
        Assert.Equal(["bytes", "uploads"], Names(metrics.GetProperty("teacherLogits")));
        Assert.Equal(0, metrics.GetProperty("teacherLogits").GetProperty("uploads").GetInt32());
        foreach (string name in (string[])["teacher", "studentHard", "studentDistilled"])
            Assert.InRange(metrics.GetProperty(name).GetProperty("testErrors").GetInt32(), 0, 80);
        string model = workshop.Run("evaluate", workshop["demo/student-distilled.safetensors"], "--json").Out;
        Assert.Equal(
            metrics.GetProperty("studentDistilled").GetProperty("testErrors").GetInt32(),
            JsonDocument.Parse(model).RootElement.GetProperty("errors").GetInt32());
        Assert.True(File.Exists(workshop["demo/teacher.safetensors"]) && File.Exists(workshop["demo/student-hard.safetensors"]));
    }

    [Theory]
    [InlineData("Teacher: 784", "nothing")]
    [InlineData("Student, hard labels: 784", "teacher.safetensors")]
    public void Interrupted_the_demo_says_what_it_kept(string line, string kept)
    {
        string output = workshop[$"stopped-{kept}"];
        CliResult result = StopAt(line, "demo", "--data", workshop["data"], "--device", "cpu", "--output", output);
        Assert.Equal(ExitCode.Interrupted, result.Code);
        Assert.Contains("Interrupted. Kept: ", result.Error);
        Assert.Contains(kept, result.Error);
        Assert.Equal(kept != "nothing", Directory.Exists(output));
        if (kept != "nothing")
            Assert.Equal(Path.Combine(output, kept), Assert.Single(Directory.GetFiles(output)));
    }

    [Fact]
    public void Interrupted_before_the_first_step_nothing_is_written()
    {
        CliResult result = StopAt("Training: ", "train", "--data", workshop["data"], "--device", "cpu", "--output", workshop["unbegun"]);
        Assert.Equal(ExitCode.Interrupted, result.Code);
        Assert.Contains("Interrupted before the first step; nothing was written.", result.Error);
        Assert.False(Directory.Exists(workshop["unbegun"]));
    }

    [Fact]
    public void A_training_that_diverges_says_so_and_writes_no_model()
    {
        CliResult result = CliRunner.Run(
            "train", "--layers", "784-64-10", "--rate", "1e30", "--epochs", "2", "--data", workshop["data"], "--device", "cpu",
            "--output", workshop["diverged"]);
        Assert.Equal(ExitCode.Failed, result.Code);
        Assert.Contains("The training diverged; try a lower --rate", Assert.Single(result.Error.TrimEnd('\n').Split('\n')));
        Assert.False(Directory.Exists(workshop["diverged"]));
    }

    // The key's name is changed, so that the file is read like one of another tool.
    private static void WithoutChecksum(byte[] bytes) => bytes[bytes.AsSpan().IndexOf("gpudistill.sha256"u8)] ^= 1;

    private static CliResult StopAt(string line, params string[] arguments)
    {
        using CancellationTokenSource source = new();
        WatchedWriter output = new(line, source.Cancel);
        StringWriter error = new();
        int code = Application.Run(arguments, new Terminal(output, error), source.Token);
        return new CliResult(code, output.ToString(), error.ToString());
    }

    private static string[] Names(JsonElement element) => [.. element.EnumerateObject().Select(property => property.Name)];

    private sealed class WatchedWriter(string line, Action found) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            if (value?.StartsWith(line, StringComparison.Ordinal) == true)
                found();
        }
    }

    /// <summary>A small data set, a teacher trained on it, and its logits.</summary>
    public sealed class Workshop : IDisposable
    {
        private readonly TemporaryDirectory _directory = new();

        public Workshop()
        {
            TinyMnist.Write(this["data"], train: 600);
            Run("train", "--layers", "784-64-10", "--epochs", "8", "--batch", "50", "--output", this["teacher"]);
            Run("logits", "--teacher", this["teacher"], "--output", this["logits"]);
        }

        public string this[string name] => _directory[name];

        public void Dispose() => _directory.Dispose();

        internal CliResult Run(params string[] arguments) => CliRunner.Succeeds([.. arguments, "--data", this["data"], "--device", "cpu"]);

        internal string Refused(params string[] arguments) => CliRunner.Refused([.. arguments, "--data", this["data"], "--device", "cpu"]);
    }
}
