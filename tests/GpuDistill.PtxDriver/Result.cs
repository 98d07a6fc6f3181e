namespace GpuDistill.PtxDriver;

/// <summary>What a function of the driver returns: those of CUresult (CUDA Driver API, "Data types used by CUDA driver") that this one has.</summary>
internal enum Result
{
    Success = 0,
    InvalidValue = 1,
    OutOfMemory = 2,
    InvalidDevice = 101,
    InvalidContext = 201,
    InvalidPtx = 218,
    InvalidHandle = 400,
    IllegalState = 401,
    NotFound = 500,
    NotReady = 600,
    IllegalAddress = 700,
    NotSupported = 801,
    CaptureUnsupported = 900,
    CaptureInvalidated = 901,
    CaptureMerge = 902,
    CaptureUnmatched = 903,
    CaptureUnjoined = 904,
    CaptureIsolation = 905,
    CaptureImplicit = 906,
    CapturedEvent = 907,
    CaptureWrongThread = 908,
}

/// <summary>A call that the driver refuses, or a kernel's fault that it tells of.</summary>
internal sealed class DriverException(Result result, string message) : Exception(message)
{
    public Result Result => result;
}
