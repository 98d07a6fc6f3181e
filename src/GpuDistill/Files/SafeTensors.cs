using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace GpuDistill;

/// <summary>
/// Files of named fp32 tensors in the safetensors format: 8 bytes of header length, a JSON header, the tensors' bytes
/// (https://github.com/huggingface/safetensors). Other tools, PyTorch among them, read what is written here.
/// </summary>
internal static class SafeTensors
{
    private const int MaxHeaderBytes = 100_000_000;

    /// <summary>Writes to a temporary file beside the target and moves it there, so that a failure leaves no half file.</summary>
    public static void Write(
        string path, IReadOnlyDictionary<string, string> metadata, IReadOnlyList<(string Name, int[] Shape, float[] Values)> tensors)
    {
        JsonObject header = [];
        JsonObject described = [];
        foreach ((string key, string value) in metadata)
            described[key] = value;
        header["__metadata__"] = described;
        long offset = 0;
        foreach ((string name, int[] shape, float[] values) in tensors)
        {
            long end = offset + ((long)values.Length * sizeof(float));
            header[name] = new JsonObject
            {
                ["dtype"] = "F32",
                ["shape"] = new JsonArray([.. shape.Select(size => JsonValue.Create(size))]),
                ["data_offsets"] = new JsonArray(offset, end),
            };
            offset = end;
        }

        byte[] json = JsonSerializer.SerializeToUtf8Bytes(header);
        int padding = (8 - (json.Length % 8)) % 8; // the data starts at a multiple of 8
        string temporary = path + ".tmp";
        using (FileStream stream = File.Create(temporary))
        {
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)(json.Length + padding));
            stream.Write(length);
            stream.Write(json);
            for (int i = 0; i < padding; i++)
                stream.WriteByte((byte)' ');
            foreach ((_, _, float[] values) in tensors)
                stream.Write(MemoryMarshal.AsBytes(values.AsSpan()));
        }

        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>Reads all tensors of a file.</summary>
    /// <exception cref="ModelFileException">The file is missing, truncated or not of this format.</exception>
    public static SafeTensorFile Read(string path)
    {
        if (!File.Exists(path))
            throw new ModelFileException(path, "there is no such file");
        try
        {
            using FileStream stream = File.OpenRead(path);
            Span<byte> prefix = stackalloc byte[8];
            if (stream.ReadAtLeast(prefix, 8, throwOnEndOfStream: false) < 8)
                throw new ModelFileException(path, "it is too short to be a safetensors file");
            ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
            if (length > MaxHeaderBytes || (long)length > stream.Length - 8)
                throw new ModelFileException(path, "it is not a safetensors file, or it is truncated");
            byte[] json = new byte[length];
            stream.ReadExactly(json);
            JsonObject header = JsonNode.Parse(json)?.AsObject() ?? throw new ModelFileException(path, "its header is empty");
            long dataStart = 8 + (long)length;
            Dictionary<string, string> metadata = [];
            Dictionary<string, (int[] Shape, float[] Values)> tensors = [];
            foreach ((string name, JsonNode? node) in header)
            {
                if (name == "__metadata__")
                {
                    foreach ((string key, JsonNode? value) in node!.AsObject())
                        metadata[key] = value!.GetValue<string>();
                    continue;
                }

                tensors[name] = ReadTensor(path, stream, dataStart, name, node!.AsObject());
            }

            return new SafeTensorFile(path, metadata, tensors);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or NullReferenceException or FormatException or EndOfStreamException)
        {
            throw new ModelFileException(path, $"it is damaged ({exception.Message.ReplaceLineEndings(" ")})");
        }
    }

    private static (int[] Shape, float[] Values) ReadTensor(
        string path, FileStream stream, long dataStart, string name, JsonObject description)
    {
        string type = description["dtype"]!.GetValue<string>();
        if (type != "F32")
            throw new ModelFileException(path, $"its tensor '{name}' is {type}; only F32 is read");
        int[] shape = [.. description["shape"]!.AsArray().Select(size => size!.GetValue<int>())];
        long start = description["data_offsets"]![0]!.GetValue<long>();
        long end = description["data_offsets"]![1]!.GetValue<long>();
        long count = shape.Aggregate(1L, (product, size) => checked(product * size));
        if (start < 0 || end - start != count * sizeof(float) || shape.Any(size => size < 0))
            throw new ModelFileException(path, $"its tensor '{name}' has a size that does not fit its shape");
        if (dataStart + end > stream.Length)
            throw new ModelFileException(path, $"it is truncated: it has {stream.Length} bytes, tensor '{name}' ends at {dataStart + end}");
        float[] values = new float[count];
        stream.Position = dataStart + start;
        stream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        return (shape, values);
    }
}

/// <summary>The contents of a safetensors file.</summary>
internal sealed record SafeTensorFile(
    string Path, IReadOnlyDictionary<string, string> Metadata, IReadOnlyDictionary<string, (int[] Shape, float[] Values)> Tensors)
{
    /// <summary>A tensor that must be there with this shape (-1 leaves a size open).</summary>
    public (int[] Shape, float[] Values) Get(string name, params ReadOnlySpan<int> shape)
    {
        if (!Tensors.TryGetValue(name, out (int[] Shape, float[] Values) tensor))
            throw new ModelFileException(Path, $"it has no tensor '{name}'");
        bool fits = tensor.Shape.Length == shape.Length;
        for (int i = 0; fits && i < shape.Length; i++)
            fits = shape[i] < 0 || shape[i] == tensor.Shape[i];
        if (!fits)
        {
            throw new ModelFileException(
                Path, $"its tensor '{name}' is [{string.Join(" x ", tensor.Shape)}] instead of [{string.Join(" x ", shape.ToArray())}]");
        }

        return tensor;
    }
}
