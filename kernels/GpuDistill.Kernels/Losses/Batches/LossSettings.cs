namespace GpuDistill.Kernels;

/// <summary>The options in the form that a row's arithmetic uses.</summary>
internal struct LossSettings
{
    public int Columns;
    public float InverseTemperature;
    public float SoftScale;
    public float SoftWeight;
    public float HardWeight;
    public float Smoothing;
    public float SmoothingPerClass;
    public float Blend;
    public int IgnoreIndex;

    // Rows of teacher logits; the largest integer where no teacher is read.
    public int TeacherCount;

    // 0 or 1
    public int Soft;
    public int Hard;
    public int SeeksFlatRows;

    // 1 where the reductions' scales come from a first pass over the labels, else the two scales stand here.
    public int Counts;
    public float SoftReduction;
    public float HardReduction;
}
