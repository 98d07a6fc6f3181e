using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace GpuDistill;

/// <summary>
/// Files of named tensors in the safetensors format: 8 bytes of header length, a JSON header, the tensors' bytes
/// (https://github.com/huggingface/safetensors). What is written here is fp32, and other tools, PyTorch among them, read it. The metadata
/// hold a checksum of all the rest, which is compared on reading; files of other tools, without one, are read as they are.
/// </summary>
internal static class SafeTensors
{
    private const int MaxHeaderBytes = 100_000_000;
    private const string MetadataKey = "__metadata__";
    private const string ChecksumKey = "gpudistill.sha256";

    // Values that are read or written at a time: a span of bytes ends at 2^31.
    private const int Slice = 1 << 20;

    // Stands for the checksum while it is worked out, and has its length.
    private static readonly string NoChecksum = new('0', 2 * SHA256.HashSizeInBytes);

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Writes a file in full or not at all.</summary>
    public static void Write(
        string path, IReadOnlyDictionary<string, string> metadata, IReadOnlyList<(string Name, int[] Shape, float[] Values)> tensors) =>
        WritePieces(path, metadata, [.. tensors.Select(tensor => new TensorPieces(tensor.Name, tensor.Shape, [tensor.Values]))]);

    /// <summary>The same for tensors that come in pieces, so that no array need hold all of one.</summary>
    public static void WritePieces(string path, IReadOnlyDictionary<string, string> metadata, IReadOnlyList<TensorPieces> tensors)
    {
        JsonObject header = [];
        JsonObject described = [];
        foreach ((string key, string value) in metadata)
            described[key] = value;
        described[ChecksumKey] = NoChecksum;
        header[MetadataKey] = described;
        long offset = 0;
        foreach (TensorPieces tensor in tensors)
        {
            long end = offset + (tensor.Length * sizeof(float));
            header[tensor.Name] = new JsonObject
            {
                ["dtype"] = "F32",
                ["shape"] = new JsonArray([.. tensor.Shape.Select(size => JsonValue.Create(size))]),
                ["data_offsets"] = new JsonArray(offset, end),
            };
            offset = end;
        }

        byte[] json = JsonSerializer.SerializeToUtf8Bytes(header);
        int padding = (8 - (json.Length % 8)) % 8; // the data starts at a multiple of 8
        byte[] start = new byte[8 + json.Length + padding];
        BinaryPrimitives.WriteUInt64LittleEndian(start, (ulong)(json.Length + padding));
        json.CopyTo(start, 8);
        start.AsSpan(8 + json.Length).Fill((byte)' ');
        WholeFile.Write(path, stream =>
        {
            using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            Append(start);
            foreach (TensorPieces tensor in tensors)
                WriteValues(tensor, Append);
            stream.Position = PlaceOf(NoChecksum, start);
            stream.Write(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(hash.GetHashAndReset())));

            void Append(ReadOnlySpan<byte> bytes)
            {
                hash.AppendData(bytes);
                stream.Write(bytes);
            }
        });
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
                throw new ModelFileException(path, NotSafeTensors(prefix));
            byte[] start = new byte[8 + (int)length];
            prefix.CopyTo(start);
            stream.ReadExactly(start.AsSpan(8));
            using JsonDocument header = JsonDocument.Parse(start.AsMemory(8), Strict);
            long dataStart = 8 + (long)length;
            Dictionary<string, string> metadata = [];
            Dictionary<string, (int[] Shape, float[] Values)> tensors = [];
            foreach (JsonProperty entry in header.RootElement.EnumerateObject())
            {
                if (entry.Name == MetadataKey)
                {
                    foreach (JsonProperty pair in entry.Value.EnumerateObject())
                        metadata[pair.Name] = pair.Value.GetString() ?? throw new FormatException($"'{pair.Name}' of the metadata is null");
                    continue;
                }

                tensors[entry.Name] = ReadTensor(path, stream, dataStart, entry.Name, entry.Value);
            }

            if (metadata.TryGetValue(ChecksumKey, out string? checksum))
                Check(path, stream, start.ToArray(), checksum);
            return new SafeTensorFile(path, metadata, tensors);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException or EndOfStreamException)
        {
            // The JSON reader's words for text that is no JSON, or where an object, a list, a text or a number is something else.
            throw new ModelFileException(path, $"it is damaged ({exception.Message.ReplaceLineEndings(" ").TrimEnd('.')})");
        }
    }

    private static (int[] Shape, float[] Values) ReadTensor(
        string path, FileStream stream, long dataStart, string name, JsonElement description)
    {
        TensorType type = TensorType.Find(Part("dtype").GetString())
            ?? throw new ModelFileException(path, $"its tensor '{name}' is {Part("dtype")}; {TensorType.Names} are read");
        int[] shape = [.. Part("shape").EnumerateArray().Select(size => size.GetInt32())];
        long[] offsets = [.. Part("data_offsets").EnumerateArray().Select(offset => offset.GetInt64())];
        Int128 count = 1;
        foreach (int size in shape)
            count = Int128.Min(count * size, long.MaxValue); // enough to be wrong, and too little to overflow
        if (shape.Any(size => size < 0) || offsets.Length != 2 || offsets[0] < 0 || offsets[1] < offsets[0]
            || offsets[1] - offsets[0] != count * type.Size)
        {
            throw new ModelFileException(path, $"its tensor '{name}' has a size that does not fit its shape");
        }

        if (offsets[1] > stream.Length - dataStart)
        {
            throw new ModelFileException(
                path, $"it is truncated: it has {stream.Length - dataStart} bytes of data, tensor '{name}' ends at {offsets[1]}");
        }

        if (count > Array.MaxLength)
            throw new ModelFileException(path, $"its tensor '{name}' has {count} values; at most {Array.MaxLength} can be read");
        float[] values = new float[(int)count];
        stream.Position = dataStart + offsets[0];
        byte[] bytes = new byte[Math.Min(Slice, values.Length) * type.Size];
        for (int start = 0; start < values.Length; start += Slice)
        {
            Span<float> slice = values.AsSpan(start, Math.Min(Slice, values.Length - start));
            Span<byte> read = bytes.AsSpan(0, slice.Length * type.Size);
            stream.ReadExactly(read);
            type.Widen(read, slice);
        }

        return (shape, values);

        JsonElement Part(string key) => description.TryGetProperty(key, out JsonElement part)
            ? part
            : throw new ModelFileException(path, $"its tensor '{name}' has no {key}");
    }

    // Others in which logits are kept are named with what makes this one of them.
    private static string NotSafeTensors(ReadOnlySpan<byte> prefix) =>
        prefix[1..].StartsWith("NUMPY"u8) ? "it is a NumPy file; write its array with safetensors.numpy.save_file"
        : prefix.StartsWith("PK"u8) ? "it is an archive, as torch.save and numpy.savez write; write its tensor with safetensors.torch.save_file"
        : "it is not a safetensors file, or it is truncated";

    // The value of the checksum's key, which no other text of the header precedes.
    private static int PlaceOf(string checksum, ReadOnlySpan<byte> start) =>
        start.IndexOf(Encoding.ASCII.GetBytes($"\"{ChecksumKey}\":\"{checksum}\"")) + ChecksumKey.Length + 4;

    // Over header and data, with zeros in the checksum's own place.
    private static void Check(string path, FileStream stream, byte[] start, string checksum)
    {
        int place = PlaceOf(checksum, start);
        if (checksum.Length != NoChecksum.Length || place < ChecksumKey.Length + 4)
            throw new ModelFileException(path, "it is damaged (its checksum is none)");
        Encoding.ASCII.GetBytes(NoChecksum).CopyTo(start, place);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(start);
        byte[] buffer = new byte[Slice];
        stream.Position = start.Length;
        for (int read = stream.Read(buffer); read > 0; read = stream.Read(buffer))
            hash.AppendData(buffer.AsSpan(0, read));
        if (Convert.ToHexStringLower(hash.GetHashAndReset()) != checksum)
            throw new ModelFileException(path, $"it is damaged or was changed (its contents do not fit its checksum, '{ChecksumKey}' of the metadata)");
    }

    private static void WriteValues(TensorPieces tensor, Action<ReadOnlySpan<byte>> append)
    {
        long written = 0;
        foreach (float[] values in tensor.Pieces)
        {
            written += values.Length;
            for (int start = 0; start < values.Length; start += Slice)
                append(MemoryMarshal.AsBytes(values.AsSpan(start, Math.Min(Slice, values.Length - start))));
        }

        if (written != tensor.Length)
            throw new ArgumentException($"The tensor '{tensor.Name}' has {written} values instead of {tensor.Length}.", nameof(tensor));
    }
}

/// <summary>A tensor to be written whose values come one array after the other.</summary>
internal sealed record TensorPieces(string Name, int[] Shape, IEnumerable<float[]> Pieces)
{
    public long Length => Shape.Aggregate(1L, (product, size) => checked(product * size));
}

/// <summary>The contents of a safetensors file.</summary>
internal sealed record SafeTensorFile(
    string Path, IReadOnlyDictionary<string, string> Metadata, IReadOnlyDictionary<string, (int[] Shape, float[] Values)> Tensors)
{
    /// <summary>A tensor that must be there with this shape (-1 leaves a size open).</summary>
    public (int[] Shape, float[] Values) Get(string name, params ReadOnlySpan<int> shape)
    {
        if (!Tensors.TryGetValue(name, out (int[] Shape, float[] Values) tensor))
            throw new ModelFileException(Path, $"it has no tensor '{name}'{Others()}");
        bool fits = tensor.Shape.Length == shape.Length;
        for (int i = 0; fits && i < shape.Length; i++)
            fits = shape[i] < 0 || shape[i] == tensor.Shape[i];
        if (!fits)
        {
            throw new ModelFileException(
                Path, $"its tensor '{name}' is [{string.Join(" x ", tensor.Shape)}] instead of [{string.Join(" x ", shape.ToArray())}]");
        }

        return tensor;

        string Others() => Tensors.Count is > 0 and <= 8 ? $"; it has {string.Join(", ", Tensors.Keys.Select(other => $"'{other}'"))}" : "";
    }
}
