using ILGPU;

namespace GpuDistill.Kernels;

// Math:       the sum of the rows' losses, the counts, the first invalid row; then the scale and the totals.
// Shapes:     Outcomes [Rows], Totals [1], Running [1], MeanScale [1].
// Geometry:   one group; a thread takes rows t, t + size, ...; trees in shared memory.
// Numerics:   fp32 in a fixed order; counts are whole numbers.
public static partial class LogitMatching
{
    [KernelEntry]
    internal static void TotalsKernel(Arguments a)
    {
        ArrayView<float> scratch = SharedMemory.Allocate<float>(RowTeam.MaxGroupSize);
        ArrayView<int> counts = SharedMemory.Allocate<int>(RowTeam.MaxGroupSize);
        RowTeam team = new(Group.DimX);
        float losses = 0;
        int labelled = 0;
        int correct = 0;
        int takingPart = 0;
        int firstInvalid = a.Rows;
        for (long row = team.Lane; row < a.Rows; row += team.Size)
        {
            RowOutcome outcome = a.Outcomes[row];
            losses += outcome.Loss;
            labelled += outcome.Labelled;
            correct += outcome.Correct;
            if (outcome.TakesPart)
                takingPart += 1;
            if (outcome.Reason != 0 && row < firstInvalid)
                firstInvalid = (int)row;
        }

        losses = team.Sum(losses, scratch);
        labelled = Sum(labelled, counts);
        correct = Sum(correct, counts);
        takingPart = Sum(takingPart, counts);
        firstInvalid = Least(firstInvalid, counts);
        if (team.Lane == 0)
            a.StoreTotals(new LossTotals { Labelled = labelled, Correct = correct }, losses, takingPart, firstInvalid);
    }

    // Both: every thread of the group calls it and gets the result.
    private static int Sum(int value, ArrayView<int> counts)
    {
        Group.Barrier(); // the reduction before may still be read
        counts[Group.IdxX] = value;
        Group.Barrier();
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            if (Group.IdxX < half)
                counts[Group.IdxX] += counts[Group.IdxX + half];
            Group.Barrier();
        }

        return counts[0];
    }

    private static int Least(int value, ArrayView<int> counts)
    {
        Group.Barrier(); // the reduction before may still be read
        counts[Group.IdxX] = value;
        Group.Barrier();
        for (int half = Group.DimX / 2; half > 0; half /= 2)
        {
            if (Group.IdxX < half && counts[Group.IdxX + half] < counts[Group.IdxX])
                counts[Group.IdxX] = counts[Group.IdxX + half];
            Group.Barrier();
        }

        return counts[0];
    }
}
