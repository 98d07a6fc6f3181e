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
        Assert.Contains("is truncated: 15680 elements are announced, and 15679 are there", line);
    }

    [Fact]
    public void A_label_out_of_range_is_named_with_its_row()
    {
        using (FileStream stream = File.OpenWrite(_directory[TinyMnist.TrainLabels]))
        {
            stream.Position = 8 + 13;
            stream.WriteByte(10);
        }

        string line = Refused("train --output {out}");
        Assert.Contains(TinyMnist.TrainLabels, line);
        Assert.Contains("row 13 has the label 10; with 10 classes it must be 0 to 9", line);
    }

    [Fact]
    public void A_file_of_something_else_is_named()
    {
        File.WriteAllText(_directory[TinyMnist.TrainLabels], "no labels at all");
        Assert.Contains($"{TinyMnist.TrainLabels}: is not an IDX file", Refused("demo"));
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
