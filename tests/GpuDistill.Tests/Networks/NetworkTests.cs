using GpuDistill.Kernels;
using Xunit;

namespace GpuDistill.Tests.Networks;

public class NetworkTests
{
    [Theory]
    [InlineData("784-800-800-10", 1_276_810)]
    [InlineData("784-10", 7_850)]
    [InlineData("1-1", 2)]
    public void A_shape_counts_its_parameters(string text, long parameters)
    {
        NetworkShape shape = NetworkShape.Parse(text);
        Assert.Equal(parameters, shape.Parameters);
        Assert.Equal(text, shape.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("784")]
    [InlineData("784-0-10")]
    [InlineData("784--10")]
    [InlineData("784-ten")]
    [InlineData("784- 10")]
    public void A_malformed_shape_is_refused(string text) => Assert.Throws<FormatException>(() => NetworkShape.Parse(text));

    [Fact]
    public void A_shape_too_large_to_be_held_is_refused()
    {
        FormatException exception = Assert.Throws<FormatException>(() => NetworkShape.Parse("784-999999999-10"));
        Assert.Equal("the network 784-999999999-10 is too large: it has more than 2,000,000,000 parameters.", exception.Message);
        Assert.Throws<ArgumentException>(() => new NetworkShape([int.MaxValue, int.MaxValue, int.MaxValue]));
        Assert.Equal(NetworkShape.MaxParameters, new NetworkShape([4, 400_000_000]).Parameters);
    }

    [Fact]
    public void Initial_weights_depend_on_the_seed_alone_and_have_the_right_spread()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using Network first = new Network(device, NetworkShape.Parse("300-200-10")).Initialize(11);
        using Network again = new Network(device, NetworkShape.Parse("300-200-10")).Initialize(11);
        using Network other = new Network(device, NetworkShape.Parse("300-200-10")).Initialize(12);
        float[] weights = first.ReadLayer(0).Weights;
        Assert.Equal(weights, again.ReadLayer(0).Weights);
        Assert.NotEqual(weights, other.ReadLayer(0).Weights);
        double variance = weights.Average(w => (double)w * w);
        Assert.InRange(variance, 0.98 * 2 / 300, 1.02 * 2 / 300); // He: variance 2 / inputs
        Assert.InRange(weights.Average(), -0.001, 0.001);
        Assert.All(first.ReadLayer(0).Biases, bias => Assert.Equal(0, bias));
        double last = first.ReadLayer(1).Weights.Average(w => (double)w * w);
        Assert.InRange(last, 0.9 * 2 / 210, 1.1 * 2 / 210); // Glorot: variance 2 / (inputs + outputs)
    }

    [Fact]
    public void A_layer_can_be_written_and_read()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using Network network = new(device, new NetworkShape([2, 3], Activation.Tanh));
        network.WriteLayer(0, [1, 2, 3, 4, 5, 6], [7, 8, 9]);
        Assert.Equal([1, 2, 3, 4, 5, 6], network.ReadLayer(0).Weights);
        Assert.Equal([7, 8, 9], network.ReadLayer(0).Biases);
        Assert.Throws<ArgumentException>(() => network.WriteLayer(0, [1], [7, 8, 9]));
        ArgumentException exception = Assert.Throws<ArgumentException>(() => network.WriteLayer(0, [6, 5, 4, 3, 2, 1], [7, 8]));
        Assert.StartsWith("2 biases for layer 0 of the network 2-3, which has 3.", exception.Message, StringComparison.Ordinal);
        Assert.Equal([1, 2, 3, 4, 5, 6], network.ReadLayer(0).Weights);
    }

    [Fact]
    public void A_layer_that_is_not_there_is_refused()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using Network network = new(device, new NetworkShape([2, 3, 4]));
        foreach (int layer in (int[])[-1, 2, 7])
        {
            ArgumentOutOfRangeException exception = Assert.Throws<ArgumentOutOfRangeException>(() => network.ReadLayer(layer));
            Assert.StartsWith("The network 2-3-4 has the layers 0 to 1.", exception.Message, StringComparison.Ordinal);
            Assert.Throws<ArgumentOutOfRangeException>(() => network.WriteLayer(layer, new float[6], new float[3]));
            Assert.Throws<ArgumentOutOfRangeException>(() => network.AddToBiases(layer, new float[3]));
        }
    }

    [Fact]
    public void An_activation_that_there_is_not_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new NetworkShape([2, 3, 4], (Activation)9));
        Assert.Throws<ArgumentOutOfRangeException>(() => NetworkShape.Parse("2-3-4", (Activation)9));
    }

    [Fact]
    public void A_disposed_device_is_named()
    {
        DistillDevice device = DistillDevice.Open("cpu");
        ImageDataset images = TestMnist.Train(10);
        device.Dispose();
        foreach (Action use in (Action[])[
            () => _ = new Network(device, NetworkShape.Parse("784-10")),
            () => _ = new ResidentImages(device, images),
            () => TeacherLogits.FromHost(device, new float[20], 2, 10)])
        {
            ObjectDisposedException exception = Assert.Throws<ObjectDisposedException>(use);
            Assert.StartsWith("The device cpu (", exception.Message, StringComparison.Ordinal);
            Assert.Equal(nameof(DistillDevice), exception.ObjectName);
        }
    }

    [Fact]
    public void Offsets_are_added_to_the_biases_of_one_layer()
    {
        using DistillDevice device = DistillDevice.Open("cpu");
        using Network network = new(device, new NetworkShape([2, 3, 2]));
        network.WriteLayer(1, [1, 2, 3, 4, 5, 6], [7, 8]);
        network.AddToBiases(1, [0.5f, -8]);
        Assert.Equal([7.5f, 0], network.ReadLayer(1).Biases);
        Assert.Equal([1, 2, 3, 4, 5, 6], network.ReadLayer(1).Weights);
        Assert.Equal([0, 0, 0], network.ReadLayer(0).Biases);
        Assert.Throws<ArgumentException>(() => network.AddToBiases(1, [1]));
    }
}
