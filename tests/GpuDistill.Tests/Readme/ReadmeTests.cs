using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace GpuDistill.Tests.Readme;

/// <summary>The README's code is that of the projects in examples, character by character, and does what it says.</summary>
public sealed partial class ReadmeTests : IDisposable
{
    private const int Rows = 128;
    private const int Classes = 10;

    private readonly string _directory = Directory.CreateTempSubdirectory("gpudistill-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void All_code_in_the_README_is_an_example_that_is_built()
    {
        string[] blocks = [.. File.ReadAllText(Beside("README.md")).Split("```csharp\n").Skip(1).Select(block => block.Split("```")[0])];
        string[] examples = [.. ((string[])["Distillation", "FusedLoss"]).Select(name => File.ReadAllText(Beside($"examples/{name}/Program.cs")))];
        Assert.Equal(examples, blocks);
    }

    [Fact]
    public async Task The_kernel_example_prints_the_loss_and_its_gradient()
    {
        string output = await Run("FusedLoss");
        Match match = Numbers().Match(output);
        Assert.True(match.Success, output);
        double[] student = Logits(0.7f), teacher = Logits(0.3f);
        double total = 0;
        double gradient = 0;
        for (int row = 0; row < Rows; row++)
        {
            bool labelled = row < Rows - 1;
            double[] hardQ = Softmax(student, row, 1), q = Softmax(student, row, 4), p = Softmax(teacher, row, 4);
            double soft = 16 * -p.Zip(q, (a, b) => a * Math.Log(b)).Sum();
            total += ((0.9 * soft) + (labelled ? 0.1 * -Math.Log(hardQ[3]) : 0)) / Rows;
            if (row == 0)
                gradient = ((0.9 * 4 * (q[0] - p[0])) + (0.1 * hardQ[0])) / Rows;
        }

        Assert.Equal(total, double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture), 1e-3);
        Assert.Equal(gradient, double.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture), 1e-7);
        Assert.Contains("127 labelled rows", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_library_example_distils()
    {
        string output = await Run("Distillation");
        Match match = Errors().Match(output);
        Assert.True(match.Success, output);
        Assert.InRange(int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture), 1, 900); // chance is 9000, measured around 500
        Assert.Matches(@"\nThe first is a \d with a probability of (0\.\d{3}|1\.000)\.", output);
        Assert.True(File.Exists(Path.Combine(_directory, "student.safetensors")));
    }

    // A program of one's own that is run without -c Release builds these in Debug.
    [Fact]
    public async Task The_libraries_are_optimized_in_Debug_builds_too()
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "GpuDistill.sln")))
            root = root.Parent;
        Assert.SkipWhen(root is null, "The tests do not run in a clone.");
        foreach (string project in (string[])["kernels/GpuDistill.Kernels/GpuDistill.Kernels.csproj", "src/GpuDistill/GpuDistill.csproj"])
        {
            string output = await Dotnet("msbuild", Path.Combine(root.FullName, project), "-p:Configuration=Debug", "-getProperty:Optimize");
            Assert.Equal("true", output.Trim());
        }
    }

    [GeneratedRegex(@"^loss (\S+) .* begins with (\S+)\s*$")]
    private static partial Regex Numbers();

    [GeneratedRegex(@"^(\d+) errors on 10,000 images")]
    private static partial Regex Errors();

    private Task<string> Run(string example) => Dotnet(Beside($"{example}.dll"));

    private async Task<string> Dotnet(params string[] arguments)
    {
        // The runtime lies in DOTNET/shared/Microsoft.NETCore.App/VERSION.
        string runtime = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        string dotnet = Path.Combine(runtime, "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet");
        ProcessStartInfo start = new(dotnet, arguments)
        {
            WorkingDirectory = _directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await error);
        return output;
    }

    private static string Beside(string file) => Path.Combine(AppContext.BaseDirectory, file);

    private static double[] Logits(float step) => [.. Enumerable.Range(0, Rows * Classes).Select(i => (double)(5 * MathF.Sin(i * step)))];

    private static double[] Softmax(double[] logits, int row, double temperature)
    {
        double[] e = [.. logits.Skip(row * Classes).Take(Classes).Select(z => Math.Exp(z / temperature))];
        double sum = e.Sum();
        return [.. e.Select(x => x / sum)];
    }
}
