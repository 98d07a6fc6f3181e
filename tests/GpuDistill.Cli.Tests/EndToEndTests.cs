using System.Text.Json;
using Xunit;

namespace GpuDistill.Cli.Tests;

/// <summary>All commands one after the other, on a small part of MNIST.</summary>
[Collection<Workshop.Users>]
public class EndToEndTests(Workshop workshop)
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
        CliResult result = CliRunner.StoppedAt(line, "demo", "--data", workshop["data"], "--device", "cpu", "--output", output);
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
        CliResult result = CliRunner.StoppedAt("Training: ", "train", "--data", workshop["data"], "--device", "cpu", "--output", workshop["unbegun"]);
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

    private static string[] Names(JsonElement element) => [.. element.EnumerateObject().Select(property => property.Name)];
}
