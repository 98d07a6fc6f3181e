using System.Runtime.InteropServices;
using GpuDistill.PtxMachine;

namespace GpuDistill.PtxDriver;

/// <summary>"Module Management" and "Execution Control" of the CUDA Driver API.</summary>
internal static unsafe class ModuleExports
{
    // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES.
    private const int MostDynamicBytes = 8;

    // CU_LAUNCH_PARAM_END, _BUFFER_POINTER, _BUFFER_SIZE.
    private const int End = 0;
    private const int BufferPointer = 1;
    private const int BufferSize = 2;

    // The launch, counted from 1, that goes wrong: what a program does then can be tried.
    private static readonly int FaultAt = int.TryParse(Environment.GetEnvironmentVariable("PTX_DRIVER_FAULT_AT"), out int at) ? at : 0;
    private static int _launches;

    [UnmanagedCallersOnly(EntryPoint = "cuModuleLoadData")]
    public static int Load(nint* module, byte* text) => Driver.Call("cuModuleLoadData", () => *module = Load(text));

    [UnmanagedCallersOnly(EntryPoint = "cuModuleLoadDataEx")]
    public static int LoadWithOptions(nint* module, byte* text, uint count, int* options, void** values) =>
        Driver.Call("cuModuleLoadDataEx", () => *module = Load(text));

    [UnmanagedCallersOnly(EntryPoint = "cuModuleUnload")]
    public static int Unload(nint module) => Driver.Call("cuModuleUnload", () =>
    {
        Driver.Current.RefuseWhileCapturing("unloading a module");
        Driver.Current.Finish();
        Driver.Remove<DriverModule>(module);
    });

    [UnmanagedCallersOnly(EntryPoint = "cuModuleGetFunction")]
    public static int GetFunction(nint* function, nint module, byte* name) => Driver.Call("cuModuleGetFunction", () =>
    {
        DriverModule loaded = Driver.Get<DriverModule>(module);
        string? wanted = Marshal.PtrToStringUTF8((nint)name);
        if (wanted != loaded.Program.Name)
            throw new DriverException(Result.NotFound, $"the module has {loaded.Program.Name}, and no {wanted}");
        *function = Driver.Add(new DriverFunction(loaded.Program));
    });

    [UnmanagedCallersOnly(EntryPoint = "cuFuncSetAttribute")]
    public static int SetAttribute(nint function, int attribute, int value) => Driver.Call("cuFuncSetAttribute", () =>
    {
        _ = Driver.Current;
        if (attribute != MostDynamicBytes)
            throw new DriverException(Result.NotSupported, $"attribute {attribute} of a function");
        Driver.Get<DriverFunction>(function).AllowDynamicBytes(value);
    });

    [UnmanagedCallersOnly(EntryPoint = "cuLaunchKernel")]
    public static int Launch(
        nint function, uint groupsX, uint groupsY, uint groupsZ, uint threadsX, uint threadsY, uint threadsZ, uint sharedBytes, nint stream,
        void** parameters, void** extra) => Driver.Call("cuLaunchKernel", () =>
    {
        if (groupsY != 1 || groupsZ != 1 || threadsY != 1 || threadsZ != 1 || parameters is not null)
            throw new DriverException(Result.NotSupported, "launches of several dimensions, or with arguments one by one");
        WorkStream target = Driver.Stream(stream);
        DriverFunction kernel = Driver.Get<DriverFunction>(function);
        Action work = kernel.Launch(target.Context, checked((int)groupsX), (int)threadsX, (int)sharedBytes, Arguments(extra));
        Submission.Submit(target, ++_launches == FaultAt ? () => throw new PtxFault("the fault that was asked for") : work);
    });

    private static nint Load(byte* text)
    {
        Driver.Current.RefuseWhileCapturing("loading a module");
        return Driver.Add(DriverModule.Load(Marshal.PtrToStringUTF8((nint)text) ?? ""));
    }

    private static ReadOnlySpan<byte> Arguments(void** extra)
    {
        byte* buffer = null;
        nint bytes = 0;
        for (; extra is not null && (nint)extra[0] != End; extra += 2)
        {
            switch ((nint)extra[0])
            {
                case BufferPointer:
                    buffer = (byte*)extra[1];
                    break;
                case BufferSize:
                    bytes = *(nint*)extra[1];
                    break;
                default:
                    throw new DriverException(Result.InvalidValue, "an unknown extra of a launch");
            }
        }

        return new ReadOnlySpan<byte>(buffer, (int)bytes);
    }
}
