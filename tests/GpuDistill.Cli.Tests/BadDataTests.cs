using Xunit;

namespace GpuDistill.Cli.Tests;

/// <summary>Bad data: one line that names the file and, where there is one, the row.</summary>
public sealed class BadDataTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public BadDataTests() => TinyMnist.Write(_directory.Path, train: 20, test: 10);

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("demo")]
    [InlineData("train --output {out}")]
    [InlineData("logits --output {out} --teacher a")]
    [InlineData("distill --output {out} --teacher a")]
    [InlineData("evaluate a")]
    public void A_missing_file_is_named_by_every_command(string arguments)
    {
        File.Delete(_directory[TinyMnist.TrainImages]);
        Assert.Contains($"{_directory[TinyMnist.TrainImages]}: there is no such file", Refused(arguments));
    }

    [Fact]
    public void A_truncated_file_is_named_with_what_is_there_and_what_is_not()
    {
        using (FileStream stream = File.OpenWrite(_directory[TinyMnist.TrainImages]))
            stream.SetLength(stream.Length - 1);
        string line = Refused("demo");
        Assert.Contains(TinyMnist.TrainImages, line);
        Assert.Contains(": it is truncated: 15680 elements are announced, and 15679 are there", line);
    }

    [Theory]
    [InlineData(TinyMnist.TrainLabels, "train")]
    [InlineData(TinyMnist.TestLabels, "test")]
    public void A_label_that_the_network_has_no_output_for_is_named_with_its_row(string file, string part)
    {
        TinyMnist.SetLabel(_directory[file], row: 7, label: 10);
        string line = Refused("train --output {out} --layers 784-10");
        string name = $"{Path.GetFileName(_directory.Path)} {part}";
        Assert.Contains($"--layers 784-10 has 10 classes; '{name}' has 11 (row 7 has the label 10)", line);
    }

    [Fact]
    public void Classes_that_no_image_is_of_are_told_in_a_line()
    {
        string name = $"{Path.GetFileName(_directory.Path)} train";
        string Warning(string network, string which) => $"warning: {network}; no image of '{name}' has {which}.\n";
        string[] common = ["--epochs", "1", "--data", _directory.Path, "--device", "cpu", "--overwrite", "--output"];
        string Train(string layers) => CliRunner.Succeeds(["train", "--layers", layers, .. common, _directory["t"]]).Error;
        Assert.DoesNotContain("no image of", Train("784-10"));
        Assert.Contains(Warning("--layers 784-13 has 13 classes", "one of the labels 10 to 12"), Train("784-13"));
        Assert.Contains(Warning("--layers 784-11 has 11 classes", "the label 10"), Train("784-11"));
        string[] distill = ["distill", "--teacher", _directory["t"], "--student", "784-11", .. common, _directory["s"]];
        Assert.Contains(Warning("--student 784-11 has 11 classes", "the label 10"), CliRunner.Succeeds(distill).Error);
        for (int row = 0; row < 20; row++)
            TinyMnist.SetLabel(_directory[TinyMnist.TrainLabels], row, (byte)(1 + (row % 9))); // counted from 1
        Assert.Contains(Warning("--layers 784-11 has 11 classes", "one of 2 labels, of which 0 is the first and 10 the last"), Train("784-11"));
    }

    [Fact]
    public void A_label_that_no_image_to_be_counted_has_is_no_fault()
    {
        CliRunner.Succeeds("train", "--layers", "784-10", "--epochs", "1", "--data", _directory.Path, "--device", "cpu", "--output", _directory["model"]);
        TinyMnist.SetLabel(_directory[TinyMnist.TrainLabels], row: 7, label: 10);
        CliRunner.Succeeds("evaluate", _directory["model"], "--data", _directory.Path, "--device", "cpu");
    }

    [Fact]
    public void An_experiment_refuses_other_images_than_it_is_made_for_and_leaves_nothing()
    {
        TinyMnist.Write(_directory["few"], classes: 4);
        string line = CliRunner.Refused("experiment", "mnist-table", "--quick", "--data", _directory["few"], "--device", "cpu", "--output", _directory["out"]);
        Assert.Contains("The experiments need images of 28 x 28 pixels in 10 classes; 'few train' has 28 x 28 and 4.", line);
        Assert.False(Directory.Exists(_directory["out"]));
    }

    [Fact]
    public void A_file_of_something_else_is_named()
    {
        File.WriteAllText(_directory[TinyMnist.TrainLabels], "no labels at all");
        Assert.Contains($"{TinyMnist.TrainLabels}: it is not an IDX file", Refused("demo"));
    }

    [Fact]
    public void A_model_file_of_something_else_is_named()
    {
        File.WriteAllText(_directory["model.safetensors"], "no model at all, but long enough for a header");
        Assert.Contains("model.safetensors: it is not a safetensors file", Refused("evaluate {model}"));
    }

    private string Refused(string arguments)
    {
        string[] words = [.. arguments.Split(' ').Select(word => word switch
        {
            "{out}" => _directory["out"],
            "{model}" => _directory["model.safetensors"],
            _ => word,
        })];
        return CliRunner.Refused([.. words, "--data", _directory.Path, "--device", "cpu"]);
    }
}
