using System.Reflection;
using ILGPU;
using ILGPU.Runtime;

namespace GpuDistill.Kernels;

/// <summary>
/// Refuses buffers that were disposed and those of another accelerator, which a kernel would read as if they were its own. Looks at the
/// argument structs that every operation hands to its <see cref="VariantTable{TArguments}"/>, once per binding, so that none can forget to
/// ask.
/// </summary>
internal static class BufferOwners
{
    private const BindingFlags AnyField = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    public static void Check(string operation, object arguments, Accelerator accelerator)
    {
        foreach (FieldInfo field in arguments.GetType().GetFields(AnyField))
        {
            object? value = field.GetValue(arguments);
            if (value is IArrayView view)
            {
                Check(operation, field.Name, view, accelerator);
            }
            else if (value is not null && field.FieldType is { IsValueType: true, IsEnum: false } type && type.Assembly == typeof(BufferOwners).Assembly)
            {
                Check(operation, value, accelerator);
            }
        }
    }

    /// <summary>The same of one view: for what is read on the host before there are argument structs.</summary>
    public static void Check(string operation, string name, IArrayView view, Accelerator accelerator)
    {
        if (view.Length == 0)
            return;
        if (view.Buffer.IsDisposed)
            throw new ObjectDisposedException(name, $"{operation}: the buffer that {name} is a view of was disposed.");
        if (view.Buffer.Accelerator != accelerator)
            throw Foreign(operation, name, view.Buffer.Accelerator, accelerator);
    }

    private static ArgumentException Foreign(string operation, string name, Accelerator owner, Accelerator accelerator) => new(
        $"{operation}: {name} is in memory of another accelerator, {owner.Name}; the context's is {accelerator.Name}. "
        + "Buffers must be allocated on the accelerator that the KernelContext was made with.");
}
