using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.TestKit;

/// <summary>
/// A kernel's argument as PTX has it: fields in order, each at a multiple of its size; a view is its address and its length, 16 bytes.
/// </summary>
internal sealed class ArgumentBytes
{
    private static readonly MethodInfo ViewOf = typeof(ArgumentBytes).GetMethod(nameof(AddView), BindingFlags.Instance | BindingFlags.NonPublic)!;

    private readonly List<byte> _bytes = [];
    private readonly List<(nint Start, long Bytes)> _buffers = [];

    private ArgumentBytes(object argument)
    {
        Add(argument);
        Align(Alignment(argument.GetType()));
    }

    /// <summary>The memory that the views cover.</summary>
    public IReadOnlyList<(nint Start, long Bytes)> Buffers => _buffers;

    public byte[] ToArray() => [.. _bytes];

    public static ArgumentBytes Of(object argument) => new(argument);

    private static IEnumerable<FieldInfo> Fields(Type type) =>
        type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).OrderBy(field => field.MetadataToken);

    private static bool IsView(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ArrayView<>);

    private static int Alignment(Type type) => type switch
    {
        _ when IsView(type) => sizeof(long),
        _ when type.IsEnum => Alignment(Enum.GetUnderlyingType(type)),
        _ when type.IsPrimitive => Marshal.SizeOf(type),
        _ => Fields(type).Select(field => Alignment(field.FieldType)).DefaultIfEmpty(1).Max(),
    };

    private void Add(object value)
    {
        Type type = value.GetType();
        Align(Alignment(type));
        if (IsView(type))
        {
            ViewOf.MakeGenericMethod(type.GetGenericArguments()).Invoke(this, [value]);
            return;
        }

        if (type.IsEnum)
            value = System.Convert.ChangeType(value, type = Enum.GetUnderlyingType(type), null);
        if (type.IsPrimitive)
        {
            _bytes.AddRange(value switch
            {
                int number => BitConverter.GetBytes(number),
                uint number => BitConverter.GetBytes(number),
                long number => BitConverter.GetBytes(number),
                ulong number => BitConverter.GetBytes(number),
                float number => BitConverter.GetBytes(number),
                ushort number => BitConverter.GetBytes(number),
                _ => throw new NotSupportedException($"An argument of type {type.Name}."),
            });
            return;
        }

        foreach (FieldInfo field in Fields(type))
            Add(field.GetValue(value)!);
        Align(Alignment(type));
    }

    private void AddView<T>(ArrayView<T> view)
        where T : unmanaged
    {
        nint start = view.Length > 0 ? view.LoadEffectiveAddressAsPtr() : 0;
        _bytes.AddRange(BitConverter.GetBytes((long)start));
        _bytes.AddRange(BitConverter.GetBytes(view.Length));
        _buffers.Add((start, view.LengthInBytes));
    }

    private void Align(int alignment)
    {
        while (_bytes.Count % alignment != 0)
            _bytes.Add(0);
    }
}
