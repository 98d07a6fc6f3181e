using Xunit;

namespace GpuDistill.Cli.Tests;

/// <summary>The line that goes on from a checkpoint can be pasted, however the program was started.</summary>
public sealed class InvocationTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void As_a_tool_it_has_its_name() =>
        Assert.Equal(["gpudistill"], Invocation.Of(_directory["tools/gpudistill"], _directory["store"], _directory.Path));

    [Fact]
    public void Run_from_its_project_it_is_dotnet_run()
    {
        Directory.CreateDirectory(_directory["src/GpuDistill.Cli/bin/Release/net10.0"]);
        string program = _directory["src/GpuDistill.Cli/bin/Release/net10.0/GpuDistill.Cli"];
        Assert.Equal(["./GpuDistill.Cli"], Words(program, Path.GetDirectoryName(program)!));
        File.WriteAllText(_directory["src/GpuDistill.Cli/GpuDistill.Cli.csproj"], "");
        string project = Path.Combine("src", "GpuDistill.Cli");
        Assert.Equal(["dotnet", "run", "-c", "Release", "--project", project, "--"], Words(program, _directory.Path));
        Assert.Equal(["dotnet", "run", "-c", "Release", "--project", _directory["src/GpuDistill.Cli"], "--"], Words(program, _directory["elsewhere"]));
        Assert.Equal(Words(program, _directory.Path), Words(program + ".exe", _directory.Path));
    }

    [Fact]
    public void Published_it_has_its_path()
    {
        Assert.Equal(["./GpuDistill.Cli"], Words(_directory["GpuDistill.Cli"], _directory.Path));
        Assert.Equal(["dotnet", "GpuDistill.Cli.dll"], Words("/usr/bin/dotnet", _directory.Path));
    }

    private IReadOnlyList<string> Words(string process, string current) => [.. Invocation.Of(process, _directory.Path, current)];
}
