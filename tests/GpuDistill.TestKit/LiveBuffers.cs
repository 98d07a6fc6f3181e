using System.Collections;
using System.Reflection;
using ILGPU.Runtime;

namespace GpuDistill.TestKit;

/// <summary>Counts what is allocated on an accelerator and not disposed, of which ILGPU keeps a list without a public door.</summary>
public static class LiveBuffers
{
    private static readonly FieldInfo Children = typeof(Accelerator).GetField("childObjects", BindingFlags.Instance | BindingFlags.NonPublic)!;

    // The memory itself; ILGPU's typed buffer around it is another entry.
    public static int Of(Accelerator accelerator) => ((IEnumerable)Children.GetValue(accelerator)!)
        .Cast<WeakReference<AcceleratorObject>>()
        .Count(child => child.TryGetTarget(out AcceleratorObject? target) && target is MemoryBuffer { IsDisposed: false } && !target.GetType().IsGenericType);
}
