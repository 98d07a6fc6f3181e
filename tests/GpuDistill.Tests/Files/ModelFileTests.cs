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
    public void A_network_without_parameters_is_not_written()
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("gpudistill-").FullName, "model.safetensors");
        using Network network = new(_device, NetworkShape.Parse("4-3-2"));
        network.WriteLayer(0, new float[12], new float[3]);
        InvalidOperationException exception = Assert.Throws<InvalidOperationException>(() => ModelFile.Save(network, path));
        Assert.StartsWith("Layer 1 of the network 4-3-2 has no parameters yet", exception.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(path));
    }

    [Fact]
    public void The_header_is_what_the_format_asks_for()
    {
        using Network network = new Network(_device, NetworkShape.Parse("2-3")).Initialize(1);
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

    // Each of these headers once gave a bare OverflowException, "Index was out of range", "An item with the same key", ...
    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2147483647,2147483647,2147483647],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2147483647,2147483647,2147483647,0],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[99999999999],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[4,0]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775803,9223372036854775807]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":{}}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1]}}""")]
    [InlineData("""{"a":{"dtype":4,"shape":[1],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":null,"shape":[1],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":"I16","shape":[2],"data_offsets":[0,4]}}""")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""")]
    [InlineData("""{"__metadata__":{"k":"1","k":"2"}}""")]
    [InlineData("""{"__metadata__":{"k":null}}""")]
    [InlineData("""{"__metadata__":{"k":7}}""")]
    [InlineData("""{"__metadata__":null}""")]
    [InlineData("""{"a":null}""")]
    [InlineData("""[1,2]""")]
    [InlineData("null")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} more""")]
    [InlineData("")]
    public void A_malformed_header_is_one_clear_line_that_names_the_file(string header)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        File.WriteAllBytes(_path, [.. BitConverter.GetBytes((ulong)json.Length), .. json, 0, 0, 0, 0, 0, 0, 0, 0]);
        ModelFileException exception = Assert.Throws<ModelFileException>(() => SafeTensors.Read(_path));
        Assert.StartsWith(_path, exception.Message);
        Assert.DoesNotContain('\n', exception.Message);
        AssertRefused();
    }

    [Fact]
    public void Truncated_anywhere_or_with_any_byte_changed_it_is_read_or_refused_and_nothing_else()
    {
        using Network network = new Network(_device, NetworkShape.Parse("4-3-2")).Initialize(4);
        ModelFile.Save(network, _path);
        byte[] bytes = File.ReadAllBytes(_path);
        int header = 8 + (int)BitConverter.ToUInt64(bytes, 0);
        for (int length = 0; length < bytes.Length; length++)
        {
            File.WriteAllBytes(_path, bytes[..length]);
            AssertRefused();
        }

        Random random = new(1);
        int read = 0;
        for (int place = 0; place < header + 4; place++)
        {
            foreach (int change in (int[])[1, 2, 4, 8, 16, 32, 64, 128, random.Next(1, 256)])
            {
                byte[] damaged = [.. bytes];
                damaged[place] ^= (byte)change;
                if (random.Next(4) == 0)
                    damaged[random.Next(header)] = (byte)random.Next(256);
                File.WriteAllBytes(_path, damaged);
                try
                {
                    ModelFile.Load(_device, _path).Dispose();
                    read++;
                }
                catch (ModelFileException exception)
                {
                    Assert.Contains(_path, exception.Message);
                    Assert.DoesNotContain('\n', exception.Message);
                }
            }
        }

        Assert.InRange(read, 1, 200); // a file whose checksum has another name has none
    }

    [Fact]
    public void A_changed_bit_is_noticed_wherever_it_is_and_files_without_a_checksum_are_read()
    {
        using Network network = new Network(_device, NetworkShape.Parse("4-3-2")).Initialize(4);
        ModelFile.Save(network, _path);
        byte[] bytes = File.ReadAllBytes(_path);
        int key = bytes.AsSpan().IndexOf("gpudistill.sha256"u8);
        for (int place = 0; place < bytes.Length; place++)
        {
            bytes[place] ^= 1;
            File.WriteAllBytes(_path, bytes);
            if (place < key || place >= key + "gpudistill.sha256".Length)
                AssertRefused();
            else if (place == key) // as a file of another tool
                ModelFile.Load(_device, _path).Dispose();
            bytes[place] ^= 1;
        }

        bytes[^1] ^= 1;
        File.WriteAllBytes(_path, bytes);
        Assert.Contains("do not fit its checksum", AssertRefused());
    }

    [Fact]
    public void A_failure_to_write_leaves_nothing_behind()
    {
        Assert.Throws<ArgumentException>(() => SafeTensors.WritePieces(_path, Metadata("3-2", "Relu"), [new("a", [2, 3], [[1, 2]])]));
        Assert.Empty(Directory.GetFileSystemEntries(Path.GetDirectoryName(_path)!));
    }

    [Fact]
    public void A_tensor_may_be_written_in_pieces()
    {
        SafeTensors.WritePieces(_path, Metadata("3-2", "Relu"), [new("a", [2, 3], [[1, 2], [], [3, 4, 5], [6]]), new("b", [1], [[7]])]);
        SafeTensorFile file = SafeTensors.Read(_path);
        Assert.Equal([1, 2, 3, 4, 5, 6], file.Get("a", 2, 3).Values);
        Assert.Equal([7], file.Get("b", 1).Values);
        Assert.Throws<ArgumentException>(() => SafeTensors.WritePieces(_path, Metadata("3-2", "Relu"), [new("a", [2, 3], [[1, 2]])]));
        Assert.Equal([7], SafeTensors.Read(_path).Get("b", 1).Values); // the failure left the file as it was
    }

    [Fact]
    public void More_than_an_array_holds_is_refused_in_words()
    {
        NotSupportedException exception = Assert.Throws<NotSupportedException>(() => HostCopies.ArrayLength(3_000_000_000));
        Assert.Contains("3000000000 elements", exception.Message);
        Assert.Equal(Array.MaxLength, HostCopies.ArrayLength(Array.MaxLength));
        FormatException large = Assert.Throws<FormatException>(() => NetworkShape.Parse("65536-65536-10"));
        Assert.Contains("65536-65536-10", large.Message);
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
