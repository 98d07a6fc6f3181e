using GpuDistill.TestKit;
using ILGPU;
using Xunit;

namespace GpuDistill.Kernels.Tests.Launching;

/// <summary>
/// Reductions of teams of every size: within a sub-group, in several, and where there are none. The values are whole numbers, so that
/// every order gives the same sum.
/// </summary>
public class RowTeamTests
{
    private const int Rounds = 3;

    public static TheoryData<string, KernelVariant> Devices =>
        [.. EmulatedDevices, .. TestDevices.SubGroupsAlone];

    // Of a row's many sums PoCL 6 compiles the exchanges between its own sub-groups for more than 20 minutes.
    public static TheoryData<string, KernelVariant> EmulatedDevices =>
        [.. TestDevices.VariantsWithSubGroups.Where(row => row.Data.Item2 == KernelVariant.Portable)];

    [Theory]
    [MemberData(nameof(Devices))]
    public void Every_thread_gets_its_teams_sum_and_maximum(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        for (int group = context.GroupSize(RowTeam.MaxGroupSize); group > 0; group /= 2)
        {
            for (int team = 1; team <= group; team *= 2)
            {
                float[] values = Values(group);
                using GuardedBuffer<float> input = new(context, values);
                using GuardedBuffer<float> sums = new(context, values.Length);
                using GuardedBuffer<float> maxima = new(context, values.Length);
                using Launch launch = context.BindKernel(
                    "sum", SumKernel, 1, group, new SumArguments { Values = input.View, Sums = sums.View, Maxima = maxima.View, TeamSize = team });
                launch.Run(context.Accelerator.DefaultStream);
                Assert.Equal(OfTeams(values, team, part => part.Sum()), sums.Read());
                Assert.Equal(OfTeams(values, team, part => part.Max()), maxima.Read());
            }
        }
    }

    [Theory]
    [MemberData(nameof(EmulatedDevices))]
    public void Every_thread_gets_its_teams_part_of_a_row(string device, KernelVariant variant)
    {
        KernelContext context = TestDevices.Get(device, variant);
        int group = context.GroupSize(RowTeam.MaxGroupSize);
        for (int team = 1; team <= group; team *= 2)
        {
            float[] values = Values(group);
            using GuardedBuffer<float> input = new(context, values);
            using GuardedBuffer<float> sums = new(context, values.Length);
            using GuardedBuffer<float> maxima = new(context, values.Length);
            using Launch launch = context.BindKernel(
                "row", RowKernel, 1, group, new SumArguments { Values = input.View, Sums = sums.View, Maxima = maxima.View, TeamSize = team });
            launch.Run(context.Accelerator.DefaultStream);
            // Seven sums with factors of their own, and five limits.
            Assert.Equal(OfTeams(values, team, part => part.Sum() * 127), sums.Read());
            Assert.Equal(OfTeams(values, team, part => part.Max() + (3 * part.Min()) - (2 * part.Min()) - (5 * part.Max()) + (7 * part.Max())), maxima.Read());
        }
    }

    private static float[] Values(int group) => [.. Enumerable.Range(0, Rounds * group).Select(i => (float)((i * 37 % 101) - 50))];

    private static float[] OfTeams(float[] values, int team, Func<float[], float> reduce) =>
        [.. values.Chunk(team).SelectMany(part => Enumerable.Repeat(reduce(part), team))];

    [KernelEntry]
    internal static void SumKernel(SumArguments a)
    {
        TreeReduction reduction = default;
        RowTeam team = new(a.TeamSize);
        for (int i = Group.IdxX; i < a.Values.IntLength; i += Group.DimX)
        {
            a.Sums[i] = reduction.Join<float, Sum>(a.Values[i], team);
            a.Maxima[i] = reduction.Join<float, Larger>(a.Values[i], team);
        }
    }

    [KernelEntry]
    internal static void RowKernel(SumArguments a)
    {
        TreeReduction reduction = default;
        RowTeam team = new(a.TeamSize);
        for (int i = Group.IdxX; i < a.Values.IntLength; i += Group.DimX)
        {
            float value = a.Values[i];
            RowSums sums = new()
            {
                Student = value,
                Teacher = 2 * value,
                Hard = 4 * value,
                Cross = 8 * value,
                Difference = 16 * value,
                Uniform = 32 * value,
                UniformWeight = 64 * value,
            };
            sums = reduction.Add(sums, team, smoothing: 1);
            a.Sums[i] = sums.Student + sums.Teacher + sums.Hard + sums.Cross + sums.Difference + sums.Uniform + sums.UniformWeight;
            RowRange range = new()
            {
                StudentMaximum = value,
                StudentMinimum = 3 * value,
                TeacherMaximum = -2 * value,
                TeacherMinimum = -5 * value,
                BeforeLabel = 7 * value,
            };
            range = reduction.Union(range, team, seeksFlatRows: 1);
            a.Maxima[i] = range.StudentMaximum + range.StudentMinimum + range.TeacherMaximum + range.TeacherMinimum + range.BeforeLabel;
        }
    }

    public struct SumArguments
    {
        public ArrayView<float> Values;
        public ArrayView<float> Sums;
        public ArrayView<float> Maxima;
        public int TeamSize;
    }
}
