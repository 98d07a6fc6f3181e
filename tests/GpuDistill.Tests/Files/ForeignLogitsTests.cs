using System.Runtime.InteropServices;
using System.Text;
using GpuDistill.Kernels;
using Xunit;

namespace GpuDistill.Tests.Files;

/// <summary>Logits that another tool has written: a teacher of one's own.</summary>
public sealed class ForeignLogitsTests : IDisposable
{
    private static readonly float[] Logits = [1.5f, -2, 0.25f, 8, -0.125f, 3];

    private readonly DistillDevice _device = DistillDevice.Open("cpu");
    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "logits.safetensors");

    public static TheoryData<string, byte[]> Types => new()
    {
        { "F16", MemoryMarshal.AsBytes([.. Logits.Select(value => (Half)value)]).ToArray() },
        { "BF16", MemoryMarshal.AsBytes([.. Logits.Select(value => (BFloat16)value)]).ToArray() },
        { "F32", MemoryMarshal.AsBytes(Logits.AsSpan()).ToArray() },
        { "F64", MemoryMarshal.AsBytes([.. Logits.Select(value => (double)value)]).ToArray() },
    };

    public void Dispose() => _device.Dispose();

    [Theory]
    [MemberData(nameof(Types))]
    public void Every_floating_type_is_read(string type, byte[] bytes)
    {
        Write("logits", type, bytes);
        using TeacherLogits logits = TeacherLogits.Load(_device, _path);
        Assert.Equal((2, 3), (logits.Rows, logits.Classes));
        Assert.Equal(Logits, logits.ToHost());
    }

    [Fact]
    public void More_than_is_read_at_a_time_is_read()
    {
        Half[] values = [.. Enumerable.Range(0, (1 << 20) + 7).Select(i => (Half)(i % 100))];
        Write("logits", "F16", MemoryMarshal.AsBytes(values.AsSpan()), rows: values.Length, columns: 1);
        using TeacherLogits logits = TeacherLogits.Load(_device, _path);
        Assert.Equal(values.Select(value => (float)value), logits.ToHost());
    }

    [Fact]
    public void What_is_none_is_told_with_what_there_is()
    {
        Write("logits", "I64", new byte[48]);
        Refused("its tensor 'logits' is I64; F16, BF16, F32, F64 are read");
        Write("output", "F32", new byte[24]);
        Refused("it has no tensor 'logits'; it has 'output'");
        Write("logits", "F16", new byte[24]);
        Refused("its tensor 'logits' has a size that does not fit its shape");
        File.WriteAllBytes(_path, [0x93, .. "NUMPY"u8, 1, 0, .. new byte[100]]);
        Refused("it is a NumPy file; write its array with safetensors.numpy.save_file");
        File.WriteAllBytes(_path, [.. "PK"u8, 3, 4, .. new byte[100]]);
        Refused("it is an archive, as torch.save and numpy.savez write; write its tensor with safetensors.torch.save_file");
    }

    private void Refused(string problem) =>
        Assert.Equal($"{_path}: {problem}.", Assert.Throws<ModelFileException>(() => TeacherLogits.Load(_device, _path)).Message);

    private void Write(string name, string type, ReadOnlySpan<byte> bytes, int rows = 2, int columns = 3)
    {
        byte[] header = Encoding.UTF8.GetBytes($$$"""{"{{{name}}}":{"dtype":"{{{type}}}","shape":[{{{rows}}},{{{columns}}}],"data_offsets":[0,{{{bytes.Length}}}]}}""");
        File.WriteAllBytes(_path, [.. BitConverter.GetBytes((ulong)header.Length), .. header, .. bytes]);
    }
}
