using GpuDistill.Kernels;
using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Tests.Readme;

/// <summary>The README's code is the code that is tested here, line by line.</summary>
public class ReadmeTests
{
    private const string Marker = "// README";

    [Theory]
    [InlineData("KernelSnippet.cs")]
    [InlineData("LibrarySnippet.cs")]
    public void The_code_in_the_README_is_what_is_tested(string file)
    {
        string[] blocks = File.ReadAllText(Beside("README.md")).Split("```csharp\n").Skip(1).Select(block => block.Split("```")[0]).ToArray();
        string[] lines = File.ReadAllLines(Beside(Path.Combine("Readme", file)));
        int first = Array.FindIndex(lines, line => line.Trim() == Marker) + 1;
        int last = Array.FindIndex(lines, first, line => line.Trim() == Marker);
        string code = string.Concat(lines[first..last].Select(line => (line.Length > 8 ? line[8..] : "") + "\n"));
        Assert.Contains(code, blocks);
    }

    [Fact]
    public void The_kernel_example_gives_the_loss_and_its_gradient()
    {
        float[] student = TestData.PeakyLogits(128, 10, 1);
        float[] teacher = TestData.PeakyLogits(60_000, 10, 2);
        int[] rows = [.. Enumerable.Range(0, 128).Select(i => i * 461 % 60_000)];
        int[] labels = [.. Enumerable.Range(0, 128).Select(i => i % 3 == 0 ? -100 : i % 10)];
        (LossTotals totals, float[] gradient) = KernelSnippet.Run(student, teacher, rows, labels);

        double total = 0;
        for (int i = 0; i < 128; i++)
        {
            double[] hardQ = Softmax(student, i, 1), q = Softmax(student, i, 4), p = Softmax(teacher, rows[i], 4);
            double soft = 16 * -p.Zip(q, (a, b) => a * Math.Log(b)).Sum();
            double hard = labels[i] < 0 ? 0 : -Math.Log(hardQ[labels[i]]);
            total += ((0.9 * soft) + (0.1 * hard)) / 128;
            for (int c = 0; c < 10; c++)
            {
                double expected = 0.9 * 4 * (q[c] - p[c]);
                if (labels[i] >= 0)
                    expected += 0.1 * (hardQ[c] - (c == labels[i] ? 1 : 0));
                Assert.Equal(expected / 128, gradient[(i * 10) + c], 1e-7);
            }
        }

        Assert.Equal(total, totals.Total, 1e-4);
        Assert.Equal(128, totals.Rows);
        Assert.Equal(labels.Count(label => label >= 0), totals.Labelled);
    }

    [Fact]
    public void The_library_example_distils()
    {
        string model = Path.Combine(Directory.CreateTempSubdirectory().FullName, "student.safetensors");
        (Evaluation evaluation, int uploads) = LibrarySnippet.Run(TestMnist.Train(5000), TestMnist.Test(2000), model);
        Assert.InRange(evaluation.Errors, 1, 600);
        Assert.Equal(0, uploads);
        Assert.True(File.Exists(model));
    }

    private static string Beside(string file) => Path.Combine(AppContext.BaseDirectory, file);

    private static double[] Softmax(float[] logits, int row, double temperature)
    {
        double[] e = [.. logits.Skip(row * 10).Take(10).Select(z => Math.Exp(z / temperature))];
        double sum = e.Sum();
        return [.. e.Select(x => x / sum)];
    }
}
