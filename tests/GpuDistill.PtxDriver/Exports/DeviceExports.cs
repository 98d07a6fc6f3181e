using System.Runtime.InteropServices;
using System.Text;

namespace GpuDistill.PtxDriver;

/// <summary>"Initialization", "Version Management", "Device Management", "Context Management" and "Error Handling" of the CUDA Driver API.</summary>
internal static unsafe class DeviceExports
{
    private static readonly byte* ErrorText = (byte*)Marshal.StringToCoTaskMemUTF8("the PTX driver said why on the standard error stream");

    [UnmanagedCallersOnly(EntryPoint = "cuInit")]
    public static int Init(uint flags) => Driver.Call("cuInit", () => { });

    [UnmanagedCallersOnly(EntryPoint = "cuDriverGetVersion")]
    public static int GetVersion(int* version) => Driver.Call("cuDriverGetVersion", () => *version = Device.DriverVersion);

    [UnmanagedCallersOnly(EntryPoint = "cuGetErrorString")]
    public static int GetErrorString(int error, byte** text) => Driver.Call("cuGetErrorString", () => *text = ErrorText);

    [UnmanagedCallersOnly(EntryPoint = "cuDeviceGetCount")]
    public static int GetCount(int* count) => Driver.Call("cuDeviceGetCount", () => *count = 1);

    [UnmanagedCallersOnly(EntryPoint = "cuDeviceGet")]
    public static int Get(int* device, int ordinal) => Driver.Call("cuDeviceGet", () =>
    {
        Device.Check(ordinal);
        *device = ordinal;
    });

    [UnmanagedCallersOnly(EntryPoint = "cuDeviceGetName")]
    public static int GetName(byte* name, int length, int device) => Driver.Call("cuDeviceGetName", () =>
    {
        Device.Check(device);
        Span<byte> target = new(name, length);
        target.Clear();
        Encoding.ASCII.GetBytes(Device.Name.AsSpan(0, Math.Min(Device.Name.Length, length - 1)), target);
    });

    [UnmanagedCallersOnly(EntryPoint = "cuDeviceTotalMem_v2")]
    public static int TotalMemory(nint* bytes, int device) => Driver.Call("cuDeviceTotalMem", () =>
    {
        Device.Check(device);
        *bytes = (nint)DriverMemory.TotalBytes;
    });

    [UnmanagedCallersOnly(EntryPoint = "cuDeviceGetAttribute")]
    public static int GetAttribute(int* value, int attribute, int device) => Driver.Call("cuDeviceGetAttribute", () =>
    {
        Device.Check(device);
        *value = Device.Attribute(attribute);
    });

    [UnmanagedCallersOnly(EntryPoint = "cuCtxCreate_v2")]
    public static int CreateContext(nint* context, uint flags, int device) => Driver.Call("cuCtxCreate", () =>
    {
        Device.Check(device);
        DriverContext created = new();
        *context = Driver.Add(created);
        Driver.SetCurrent(created);
    });

    [UnmanagedCallersOnly(EntryPoint = "cuCtxDestroy_v2")]
    public static int DestroyContext(nint context) => Driver.Call("cuCtxDestroy", () => Driver.Destroy(context));

    [UnmanagedCallersOnly(EntryPoint = "cuCtxSetCurrent")]
    public static int SetCurrent(nint context) =>
        Driver.Call("cuCtxSetCurrent", () => Driver.SetCurrent(context == 0 ? null : Driver.Get<DriverContext>(context)));

    [UnmanagedCallersOnly(EntryPoint = "cuCtxSynchronize")]
    public static int Synchronize() => Driver.Call("cuCtxSynchronize", () =>
    {
        DriverContext context = Driver.Current;
        foreach (Capture capture in context.Captures)
            throw capture.Spoil(Result.CaptureUnsupported, "the context is waited for while a stream is captured");
        context.Finish();
    });

    [UnmanagedCallersOnly(EntryPoint = "cuCtxGetCacheConfig")]
    public static int GetCacheConfiguration(int* configuration) => Driver.Call("cuCtxGetCacheConfig", () =>
    {
        _ = Driver.Current;
        *configuration = 0;
    });

    [UnmanagedCallersOnly(EntryPoint = "cuCtxGetSharedMemConfig")]
    public static int GetSharedMemoryConfiguration(int* configuration) => Driver.Call("cuCtxGetSharedMemConfig", () =>
    {
        _ = Driver.Current;
        *configuration = 1; // banks of 4 bytes
    });
}
