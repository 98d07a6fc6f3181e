using Xunit;

namespace GpuDistill.Kernels.Tests.Randomness;

public class KeyedPermutationTests
{
    [Fact]
    public void Is_a_bijection_for_every_count()
    {
        foreach (int count in (int[])[.. Enumerable.Range(1, 260), 1000, 1023, 1024, 1025, 4096, 4097, 60_000, 65_537])
        {
            for (long epoch = 0; epoch < 3; epoch++)
            {
                int[] order = Order(1, epoch, count);
                Array.Sort(order);
                for (int i = 0; i < count; i++)
                    Assert.True(order[i] == i, $"n = {count}, epoch {epoch}");
            }
        }
    }

    [Fact]
    public void Holds_for_the_largest_count()
    {
        KeyedPermutation permutation = KeyedPermutation.Create(1, RandomStreams.Shuffle, 0, int.MaxValue);
        HashSet<int> seen = [];
        for (int i = 0; i < 10_000; i++)
        {
            int to = permutation.At(int.MaxValue - 1 - i);
            Assert.InRange(to, 0, int.MaxValue - 1);
            Assert.True(seen.Add(to));
        }
    }

    // Chi-square over all n! orders: mean n! - 1 and standard deviation sqrt(2 (n! - 1)); six of them is far out.
    [Theory]
    [InlineData(2, 2)]
    [InlineData(3, 6)]
    [InlineData(4, 24)]
    [InlineData(5, 120)]
    [InlineData(6, 720)]
    public void All_orders_of_a_few_are_equally_likely(int count, int orders)
    {
        int draws = 200 * orders;
        Dictionary<string, int> seen = [];
        for (int epoch = 0; epoch < draws; epoch++)
        {
            string order = string.Join(',', Order(99, epoch, count));
            seen[order] = seen.GetValueOrDefault(order) + 1;
        }

        Assert.Equal(orders, seen.Count);
        double chi = seen.Values.Sum(s => (s - 200.0) * (s - 200.0) / 200);
        Assert.True(chi < orders - 1 + (6 * Math.Sqrt(2.0 * (orders - 1))), $"chi-square {chi} of {orders} orders");
    }

    // Over the epochs, every place takes every row equally often, and neighbouring places are not near each other.
    [Theory]
    [InlineData(37)]
    [InlineData(64)]
    public void Places_and_differences_are_uniform(int count)
    {
        const int Epochs = 20_000;
        int[,] places = new int[count, count];
        int[,] differences = new int[count, count];
        for (int epoch = 0; epoch < Epochs; epoch++)
        {
            int[] order = Order(5, epoch, count);
            for (int i = 0; i < count; i++)
            {
                places[i, order[i]]++;
                differences[i, (order[(i + 1) % count] - order[i] + count) % count]++;
            }
        }

        for (int i = 0; i < count; i++)
        {
            CheckUniform(Enumerable.Range(0, count).Select(j => places[i, j]), (double)Epochs / count, $"place {i}");
            CheckUniform(Enumerable.Range(1, count - 1).Select(j => differences[i, j]), (double)Epochs / (count - 1), $"difference {i}");
        }
    }

    [Fact]
    public void Orders_of_a_large_set_are_uncorrelated()
    {
        const int Count = 60_000;
        double[] identity = [.. Enumerable.Range(0, Count).Select(i => (double)i)];
        double[] first = [.. Order(3, 0, Count).Select(i => (double)i)];
        double[] next = [.. Order(3, 1, Count).Select(i => (double)i)];
        double[] otherSeed = [.. Order(4, 0, Count).Select(i => (double)i)];
        double[] shifted = [.. first[1..], first[0]];
        // A correlation of independent orders has a standard deviation of 1 / sqrt(n) = 0.004.
        Assert.InRange(Correlation(identity, first), -0.02, 0.02);
        Assert.InRange(Correlation(first, next), -0.02, 0.02);
        Assert.InRange(Correlation(first, otherSeed), -0.02, 0.02);
        Assert.InRange(Correlation(first, shifted), -0.02, 0.02);
        // Places that two orders share: 1 on average, as a Poisson count.
        Assert.InRange(first.Zip(next).Count(p => p.First.Equals(p.Second)), 0, 8);
        Assert.InRange(first.Zip(identity).Count(p => p.First.Equals(p.Second)), 0, 8);
    }

    private static int[] Order(ulong seed, long epoch, int count)
    {
        KeyedPermutation permutation = KeyedPermutation.Create(seed, RandomStreams.Shuffle, epoch, count);
        int[] order = new int[count];
        for (int i = 0; i < count; i++)
            order[i] = permutation.At(i);
        return order;
    }

    private static void CheckUniform(IEnumerable<int> counts, double expected, string what)
    {
        int[] values = [.. counts];
        double chi = values.Sum(c => (c - expected) * (c - expected) / expected);
        double freedom = values.Length - 1;
        Assert.True(chi < freedom + (6 * Math.Sqrt(2 * freedom)), $"{what}: chi-square {chi} of {values.Length}");
    }

    private static double Correlation(double[] a, double[] b)
    {
        double meanA = a.Average();
        double meanB = b.Average();
        double product = a.Zip(b).Sum(p => (p.First - meanA) * (p.Second - meanB));
        return product / Math.Sqrt(a.Sum(x => (x - meanA) * (x - meanA)) * b.Sum(x => (x - meanB) * (x - meanB)));
    }
}
