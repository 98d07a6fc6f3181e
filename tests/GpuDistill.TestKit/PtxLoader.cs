using System.Collections.Concurrent;
using System.Reflection;
using GpuDistill.Kernels;
using GpuDistill.PtxMachine;
using ILGPU;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace GpuDistill.TestKit;

/// <summary>
/// Compiles kernels to PTX, as for a CUDA device, and executes that over the buffers of ILGPU's CPU accelerator: what a GPU would be given
/// is run without one, instruction by instruction.
/// </summary>
internal sealed class PtxLoader(CudaArchitecture architecture) : IKernelLoader, IDisposable
{
    private readonly ConcurrentDictionary<MethodInfo, Lazy<Program>> _programs = new();
    private readonly Lock _compiler = new();
    private readonly Lazy<(Context Context, PTXBackend Backend)> _backend = new(() =>
    {
        Context context = Context.Create(builder => KernelContext.Prepare(builder, AcceleratorType.Cuda));
        PtxIntrinsics.Register(context);
        return (context, new PTXBackend(context, architecture, CudaInstructionSet.ISA_84, null!));
    });

    public Action<AcceleratorStream, KernelConfig, TArguments> Load<TArguments>(Action<TArguments> kernel, int sharedBytes)
        where TArguments : struct
    {
        Program program = _programs.GetOrAdd(kernel.Method, method => new(() => Compile(method))).Value;
        return (_, config, arguments) => Run(kernel.Method, program, config, arguments);
    }

    public void Dispose()
    {
        if (!_backend.IsValueCreated)
            return;
        _backend.Value.Backend.Dispose();
        _backend.Value.Context.Dispose();
    }

    private Program Compile(MethodInfo kernel)
    {
        KernelEntryAttribute mark = kernel.GetCustomAttribute<KernelEntryAttribute>()!;
        lock (_compiler)
            return Program.Of(PtxCode.Compile(_backend.Value.Backend, kernel).PTXAssembly, mark.DropsRacingReads);
    }

    private static void Run<TArguments>(MethodInfo kernel, Program program, KernelConfig config, TArguments arguments)
        where TArguments : struct
    {
        ArgumentBytes bytes = ArgumentBytes.Of(arguments);
        byte[] parameters = bytes.ToArray();
        if (parameters.Length != program.ParameterBytes)
            throw new InvalidOperationException($"The argument takes {parameters.Length} bytes, and {program.ParameterBytes} in PTX.");
        int shared = config.SharedMemoryConfig.NumElements * config.SharedMemoryConfig.ElementSize;
        try
        {
            ThreadGrid.Run(program, config.GridDim.X, config.GroupDim.X, shared, parameters, new GlobalMemory(bytes.Buffers));
        }
        catch (PtxFault fault)
        {
            throw new PtxFault($"{kernel.DeclaringType?.Name}.{kernel.Name}, {fault.Message}");
        }
    }
}
