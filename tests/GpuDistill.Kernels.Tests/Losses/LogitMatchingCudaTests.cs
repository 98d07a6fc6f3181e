using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Losses;

/// <summary>Every shape of row that the CUDA variant knows, on every device that runs its code.</summary>
public class LogitMatchingCudaTests
{
    public static TheoryData<string, KernelVariant> Variants =>
        [.. TestDevices.VariantsWithCuda.Where(row => row.Data.Item2 == KernelVariant.Cuda)];

    // Several slabs of few classes, the last of them not full, and every plan of more; the teacher's rows in order and gathered.
    [Theory]
    [MemberData(nameof(Variants))]
    public void Every_length_of_a_row_matches_the_reference(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        int group = context.GroupSize(RowTeam.MaxGroupSize);
        for (int columns = 2; columns <= 80 * group && columns < 20_000; columns = columns < 50 ? columns + 1 : (columns * 3 / 2) + 1)
        {
            int rows = columns < 50 ? (2 * context.GroupSize(Slab.GroupSize)) + 5 : 5;
            foreach (int length in (int[])[columns, (columns + 3) / 4 * 4])
            {
                LogitMatchingCase batch = new(rows, length, TestData.PeakyLogits(rows, length, 1), TestData.PeakyLogits(rows, length, 2));
                batch.Check(context, new());
                (batch with { TeacherRows = [.. Enumerable.Range(0, rows).Select(row => row * 3 % rows)] }).Check(context, new());
            }
        }
    }
}
