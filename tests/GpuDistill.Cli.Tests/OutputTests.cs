using System.Text.Json;
using Xunit;

namespace GpuDistill.Cli.Tests;

/// <summary>A run replaces nothing of an earlier one unless asked, and what is not finished is not taken for finished.</summary>
public sealed class OutputTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public OutputTests() => TinyMnist.Write(_directory["data"], train: 200);

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("train --layers 784-10 --epochs 1", "model.safetensors, result.json of an earlier run are there")]
    [InlineData("logits --teacher {teacher}", "logits.safetensors of an earlier run is there")]
    [InlineData("distill --teacher {teacher} --epochs 1", "model.safetensors, result.json of an earlier run are there")]
    [InlineData("evaluate {teacher}", "evaluation.json of an earlier run is there")]
    [InlineData("devices", "devices.json of an earlier run is there")]
    [InlineData("demo", "metrics.json, teacher.safetensors, student-hard.safetensors, student-distilled.safetensors of an earlier run are there")]
    public void Finished_work_stays_unless_it_is_to_be_overwritten(string command, string refusal)
    {
        Teacher();
        string[] arguments = Words($"{command} --output {{out}}");
        CliRunner.Succeeds(arguments);
        string[] files = Directory.GetFiles(_directory["out"]);
        foreach (string file in files)
            File.WriteAllText(file, "earlier");
        Assert.Contains($"--output {_directory["out"]}: {refusal}; give another --output, or --overwrite", CliRunner.Refused(arguments));
        Assert.All(files, file => Assert.Equal("earlier", File.ReadAllText(file)));
        CliRunner.Succeeds([.. arguments, "--overwrite"]);
        Assert.All(files, file => Assert.NotEqual("earlier", File.ReadAllText(file)));
        Assert.Equal(files.Order(), Directory.GetFiles(_directory["out"]).Order());
    }

    [Fact]
    public void A_student_never_replaces_its_teacher()
    {
        Teacher();
        byte[] teacher = File.ReadAllBytes(_directory["teacher/model.safetensors"]);
        string refusal = $"--output {_directory["teacher"]}: model.safetensors in it is what --teacher reads, and would be replaced";
        string[] arguments = Words("distill --teacher {teacher} --epochs 1 --output {teacher}");
        Assert.Contains(refusal, CliRunner.Refused(arguments));
        Assert.Contains(refusal, CliRunner.Refused([.. arguments, "--overwrite"]));
        if (!OperatingSystem.IsWindows())
        {
            Directory.CreateSymbolicLink(_directory["link"], _directory["teacher"]);
            Assert.Contains("is what --teacher reads", CliRunner.Refused(Words("distill --teacher {link} --epochs 1 --output {teacher} --overwrite")));
        }

        Assert.Equal(teacher, File.ReadAllBytes(_directory["teacher/model.safetensors"]));
    }

    [Fact]
    public void Interrupted_while_overwriting_it_leaves_the_finished_work_and_says_how_to_go_on()
    {
        string[] arguments = Words("train --layers 784-10 --epochs 1 --output {out}");
        CliRunner.Succeeds(arguments);
        byte[] model = File.ReadAllBytes(_directory["out/model.safetensors"]);
        string result = File.ReadAllText(_directory["out/result.json"]);
        Stop(Words("train --layers 784-10 --decay none --epochs 1000000 --output {out} --overwrite"));
        Assert.Equal(model, File.ReadAllBytes(_directory["out/model.safetensors"]));
        Assert.Equal(result, File.ReadAllText(_directory["out/result.json"]));
        Assert.True(File.Exists(_directory["out/checkpoint.safetensors"]) && File.Exists(_directory["out/model.unfinished.safetensors"]));
    }

    [Fact]
    public void A_checkpoint_stays_and_an_unfinished_model_is_not_taken_for_a_finished_one()
    {
        Stop(Words("train --layers 784-10 --decay none --epochs 1000000 --output {out}"));
        byte[] checkpoint = File.ReadAllBytes(_directory["out/checkpoint.safetensors"]);
        Assert.Contains(
            $"checkpoint.safetensors of an unfinished run is there; go on with --resume {_directory["out"]}",
            CliRunner.Refused(Words("train --layers 784-10 --decay none --epochs 1000000 --output {out}")));
        Assert.Equal(checkpoint, File.ReadAllBytes(_directory["out/checkpoint.safetensors"]));
        string refusal = $"{_directory["out"]}: its training is not finished; go on with --resume {_directory["out"]}, or name ";
        Assert.Contains(refusal, CliRunner.Refused(Words("evaluate {out}")));
        Assert.Contains(refusal, CliRunner.Refused(Words("distill --teacher {out} --output {student}")));
        CliRunner.Succeeds(Words("evaluate {out}/model.unfinished.safetensors"));
    }

    [Fact]
    public void What_an_interrupted_demo_has_kept_stays_unless_it_is_to_be_overwritten()
    {
        Directory.CreateDirectory(_directory["out"]);
        string kept = _directory["out/teacher.unfinished.safetensors"];
        File.WriteAllText(kept, "earlier");
        string[] arguments = Words("demo --output {out}");
        Assert.Contains(
            $"--output {_directory["out"]}: teacher.unfinished.safetensors of an interrupted run is there; give another --output, or --overwrite.",
            CliRunner.Refused(arguments));
        Assert.Equal("earlier", File.ReadAllText(kept));
        CliRunner.Succeeds([.. arguments, "--overwrite"]);
        Assert.False(File.Exists(kept));
    }

    [Fact]
    public void What_a_checkpoint_differs_in_is_told_by_its_options()
    {
        Stop(Words("train --layers 784-10 --decay none --epochs 1000000 --output {out}"));
        string again = "train --decay none --epochs 1000000 --resume {out} --output {out}";
        Assert.Contains("its network (--layers, --student or --activation): ", CliRunner.Refused(Words($"{again} --layers 784-8-10")));
        Assert.Contains("its objective (the command, --label-smoothing or ", CliRunner.Refused(Words($"{again} --layers 784-10 --label-smoothing 0.1")));
        Assert.Contains("its images (--data, --images or --validation): ", CliRunner.Refused(Words($"{again} --layers 784-10 --images 150")));
        Assert.Contains("its kernels (--device, --variant or --precision): ", CliRunner.Refused(Words($"{again} --layers 784-10 --variant portable")));
    }

    [Fact]
    public void Where_the_model_cannot_be_written_the_checkpoint_is_kept_and_named()
    {
        string[] arguments = Words("train --layers 784-10 --decay none --checkpoint-minutes 0.00001 --output {out}");
        Directory.CreateDirectory(_directory["out/model.safetensors.tmp"]); // in the way, as a full disk would be
        CliResult result = CliRunner.Run([.. arguments, "--epochs", "600"]);
        Assert.Equal(ExitCode.Failed, result.Code);
        string line = Assert.Single(result.Error.TrimEnd('\n').Split('\n'));
        Assert.Contains($"Kept: {_directory["out/checkpoint.safetensors"]}, step ", line);
        Assert.Contains("go on with: ", line);
        Directory.Delete(_directory["out/model.safetensors.tmp"]);
        CliRunner.Succeeds([.. arguments, "--epochs", "600", "--resume", _directory["out"]]);
        Assert.Equal(["model.safetensors", "result.json"], Directory.GetFiles(_directory["out"]).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void A_run_that_fails_leaves_no_directory()
    {
        CliRunner.Refused(Words("distill --teacher none.safetensors --output {deep}/er/out"));
        Assert.False(Directory.Exists(_directory["deep"]));
    }

    [Fact]
    public void The_result_says_how_it_was_made()
    {
        Teacher();
        CliRunner.Succeeds(Words("logits --teacher {teacher} --output {logits}"));
        string output = CliRunner.Succeeds(Words("distill --logits {logits} --epochs 1 --temperature 3 --output {out}")).Out;
        Assert.Contains($"Written: {_directory["out/model.safetensors"]}, {_directory["out/result.json"]}", output);
        JsonElement result = JsonDocument.Parse(File.ReadAllText(_directory["out/result.json"])).RootElement;
        JsonElement options = result.GetProperty("options");
        Assert.Equal(_directory["logits"], options.GetProperty("logits").GetString());
        Assert.Equal(_directory["data"], options.GetProperty("data").GetString());
        Assert.Equal(3, options.GetProperty("temperature").GetDouble());
        Assert.Equal(0.9, options.GetProperty("momentum").GetDouble(), 1e-6); // left out, and nevertheless there
        Assert.Equal(0.05, options.GetProperty("rate").GetDouble(), 1e-6);
        Assert.Equal("cosine", options.GetProperty("decay").GetString());
        Assert.False(options.TryGetProperty("decay-epochs", out _));
        Assert.Equal(32, result.GetProperty("dataset").GetProperty("pixelHash").GetString()!.Length);
        Assert.Equal(_directory["out/model.safetensors"], result.GetProperty("model").GetString());
    }

    [Fact]
    public void Logits_of_other_images_are_refused_and_those_of_nobody_knows_which_get_a_warning()
    {
        Teacher();
        CliRunner.Succeeds(Words("logits --teacher {teacher} --output {logits}"));
        byte[] images = File.ReadAllBytes(_directory[$"data/{TinyMnist.TrainImages}"]);
        images[^400] ^= 255;
        File.WriteAllBytes(_directory[$"data/{TinyMnist.TrainImages}"], images);
        string file = _directory["logits/logits.safetensors"];
        Assert.Contains($"{file}: it holds the logits of other images than 'data train'", CliRunner.Refused(Words("distill --logits {logits} --epochs 1 --output {out}")));
        byte[] bytes = File.ReadAllBytes(file);
        bytes[bytes.AsSpan().IndexOf("gpudistill.images"u8)] ^= 1; // as another tool's file has neither
        bytes[bytes.AsSpan().IndexOf("gpudistill.sha256"u8)] ^= 1;
        File.WriteAllBytes(file, bytes);
        string error = CliRunner.Succeeds(Words("distill --logits {logits} --epochs 1 --output {out}")).Error;
        Assert.Contains($"warning: {file} does not say which images its logits belong to", error);
    }

    [Fact]
    public void A_training_that_learnt_nothing_is_told_from_one_that_did()
    {
        CliResult good = CliRunner.Succeeds(Words("train --layers 784-10 --epochs 20 --batch 50 --output {good}"));
        Assert.DoesNotContain("warning", good.Error);
        CliResult bad = CliRunner.Succeeds(Words("train --layers 784-10 --epochs 2 --rate 1e20 --output {bad}"));
        Assert.Contains("warning: ", bad.Error);
        Assert.DoesNotMatch("[0-9]{9}", bad.Out + bad.Error);
        string result = File.ReadAllText(_directory["bad/result.json"]);
        Assert.Contains(JsonDocument.Parse(result).RootElement.GetProperty("warning").GetString()!, bad.Error);
    }

    [Fact]
    public void Interrupted_where_nothing_is_trained_it_says_that_nothing_was_written()
    {
        Teacher();
        StringWriter error = new();
        int code = Application.Run(Words("evaluate {teacher}"), new Terminal(new StringWriter(), error), new CancellationToken(true));
        Assert.Equal((ExitCode.Interrupted, "Interrupted; nothing was written."), (code, error.ToString().TrimEnd()));
    }

    private void Teacher() => CliRunner.Succeeds(Words("train --layers 784-10 --epochs 1 --output {teacher}"));

    private string[] Words(string arguments)
    {
        string[] words = [.. arguments.Split(' ').Select(word => word.StartsWith('{') ? _directory[word[1..].Replace("}", "", StringComparison.Ordinal)] : word)];
        return words[0] == "devices" ? [.. words, "--device", "cpu"] : [.. words, "--data", _directory["data"], "--device", "cpu"];
    }

    // Cancelled once an epoch was told of.
    private static void Stop(string[] arguments)
    {
        CliResult result = CliRunner.StoppedAt("epoch ", arguments);
        Assert.True(result.Code == ExitCode.Interrupted, result.Error);
        Assert.Contains("--resume ", result.Error);
    }
}
