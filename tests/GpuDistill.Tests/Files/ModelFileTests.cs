using System.Text;
using Xunit;

namespace GpuDistill.Tests.Files;

public sealed class ModelFileTests : IDisposable
{
    private readonly DistillDevice _device = DistillDevice.Open("cpu");
    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "model.safetensors");

    [Fact]
    public void A_network_survives_bit_by_bit()
    {
        using Network network = new Network(_device, NetworkShape.Parse("7-5-3", Kernels.Activation.Gelu)).Initialize(4);
        network.WriteLayer(0, network.ReadLayer(0).Weights, [1, 2, 3, 4, 5]);
        ModelFile.Save(network, _path);
        using Network loaded = ModelFile.Load(_device, _path);
        Assert.Equal(network.Shape, loaded.Shape);
        for (int layer = 0; layer < 2; layer++)
        {
            Assert.Equal(network.ReadLayer(layer).Weights, loaded.ReadLayer(layer).Weights);
            Assert.Equal(network.ReadLayer(layer).Biases, loaded.ReadLayer(layer).Biases);
        }
    }

    [Fact]
    public void The_header_is_what_the_format_asks_for()
    {
        using Network network = new(_device, NetworkShape.Parse("2-3"));
        ModelFile.Save(network, _path);
        byte[] bytes = File.ReadAllBytes(_path);
        int length = (int)BitConverter.ToUInt64(bytes, 0);
        Assert.Equal(0, length % 8);
        Assert.Contains("\"layers.0.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}", Encoding.UTF8.GetString(bytes, 8, length));
        Assert.Equal(8 + length + ((6 + 3) * 4), bytes.Length);
    }

    [Fact]
    public void Any_truncation_is_one_clear_line_that_names_the_file()
    {
        using Network network = new Network(_device, NetworkShape.Parse("4-3-2")).Initialize(4);
        ModelFile.Save(network, _path);
        byte[] bytes = File.ReadAllBytes(_path);
        foreach (int length in (int[])[0, 5, 8, 40, bytes.Length - 100, bytes.Length - 1])
        {
            File.WriteAllBytes(_path, bytes[..length]);
            AssertRefused();
        }
    }

    [Fact]
    public void Other_files_are_refused()
    {
        File.WriteAllText(_path, "This is a letter, not a model, and long enough to have a header.");
        AssertRefused();
        File.Delete(_path);
        Assert.Contains("no such file", AssertRefused());
        SafeTensors.Write(_path, new Dictionary<string, string>(), [("logits", [1, 2], [1, 2])]);
        Assert.Contains("no GpuDistill model", AssertRefused());
        SafeTensors.Write(_path, Metadata("3-2", "Relu"), [("layers.0.weight", [2, 2], [1, 2, 3, 4]), ("layers.0.bias", [2], [1, 2])]);
        Assert.Contains("[2 x 2] instead of [3 x 2]", AssertRefused());
        SafeTensors.Write(_path, Metadata("3-x", "Relu"), []);
        AssertRefused();
        SafeTensors.Write(_path, Metadata("3-2", "Sigmoid"), []);
        AssertRefused();
    }

    public void Dispose() => _device.Dispose();

    private static Dictionary<string, string> Metadata(string layers, string activation) =>
        new() { ["gpudistill.layers"] = layers, ["gpudistill.activation"] = activation };

    private string AssertRefused()
    {
        ModelFileException exception = Assert.Throws<ModelFileException>(() => ModelFile.Load(_device, _path));
        Assert.Contains(_path, exception.Message);
        Assert.DoesNotContain('\n', exception.Message);
        return exception.Message;
    }
}
