using System.Text.Json.Serialization;

namespace GpuDistill.Cli;

/// <summary>metrics.json.</summary>
internal sealed record DemoMetrics(
    string Device,
    double Seconds,
    NetworkMetrics Teacher,
    NetworkMetrics StudentHard,
    DistilledMetrics StudentDistilled,
    TeacherLogitsReport TeacherLogits);

/// <summary>One network of the demo.</summary>
/// <param name="Parameters">Weights and biases.</param>
/// <param name="TestErrors">Errors on the test images.</param>
/// <param name="Seconds">Time of its training.</param>
internal record NetworkMetrics(
    [property: JsonPropertyOrder(-3)] long Parameters,
    [property: JsonPropertyOrder(-2)] int TestErrors,
    [property: JsonPropertyOrder(-1)] double Seconds);

/// <summary>The distilled student.</summary>
internal sealed record DistilledMetrics(long Parameters, int TestErrors, double Seconds, float Temperature, float SoftWeight, float HardWeight)
    : NetworkMetrics(Parameters, TestErrors, Seconds);
