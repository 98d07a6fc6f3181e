using Xunit;

namespace GpuDistill.Cli.Tests;

/// <summary>A small data set, a teacher trained on it, and its logits: made once for all the classes of its collection.</summary>
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

    /// <summary>The classes that share it.</summary>
    [CollectionDefinition]
    public sealed class Users : ICollectionFixture<Workshop>;
}
