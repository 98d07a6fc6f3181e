namespace GpuDistill.Kernels;

// What is done to a row's quads. A class whose logit is -infinity is left out, and so is what a quad has beyond the row.

/// <summary>What a row's mean, validity and prediction follow from. A device struct.</summary>
internal struct MatchingSums
{
    public const int StudentIsBad = 1;
    public const int TeacherIsBad = 2;
    public const int StudentHasClasses = 4;
    public const int TeacherHasClasses = 8;
    public const int LabelIsBeaten = 16;

    /// <summary>sum z - v over the classes that are kept.</summary>
    public float Sum;

    /// <summary>The classes that are kept.</summary>
    public int Kept;

    /// <summary>
    /// Whether student and teacher have logits of NaN or +infinity, and such above -infinity, and whether another class than the
    /// label is predicted: the bits above.
    /// </summary>
    public int State;

    /// <summary>Of both parts of a row.</summary>
    public readonly struct Addition : IRowJoin<MatchingSums>
    {
        public MatchingSums Of(MatchingSums a, MatchingSums b) =>
            new() { Sum = a.Sum + b.Sum, Kept = a.Kept + b.Kept, State = a.State | b.State };

        public MatchingSums FromLane(MatchingSums sums, int bit) => new()
        {
            Sum = SubGroup.Exchange(sums.Sum, bit),
            Kept = SubGroup.Exchange(sums.Kept, bit),
            State = SubGroup.Exchange(sums.State, bit),
        };
    }
}

/// <summary>The sums of a row. A device struct.</summary>
internal struct MatchingSumsPass : IQuadPass<MatchingSums>
{
    /// <summary>The label and its logit; no class and +infinity where there is none, which nothing beats.</summary>
    public int Class;
    public float LabelLogit;

    // Four terms are summed before they are added to the sum so far: few additions of a small to a large number.
    public MatchingSums Step(MatchingSums sums, QuadPair quads, int column)
    {
        MatchingSums part = Term(default, quads.Student.X, quads.Teacher.X, column);
        part = Term(part, quads.Student.Y, quads.Teacher.Y, column + 1);
        part = Term(part, quads.Student.Z, quads.Teacher.Z, column + 2);
        part = Term(part, quads.Student.W, quads.Teacher.W, column + 3);
        MatchingSums.Addition addition = default;
        return addition.Of(sums, part);
    }

    // Of equal logits the first is the prediction. NaN may come into the sum, of a row that is left out then.
    private readonly MatchingSums Term(MatchingSums sums, float z, float v, int column)
    {
        int state = FloatBits.IsLogit(z) ? 0 : MatchingSums.StudentIsBad;
        state |= FloatBits.IsLogit(v) ? 0 : MatchingSums.TeacherIsBad;
        state |= z > float.NegativeInfinity ? MatchingSums.StudentHasClasses : 0;
        state |= v > float.NegativeInfinity ? MatchingSums.TeacherHasClasses : 0;
        state |= z > LabelLogit || (z == LabelLogit && column < Class) ? MatchingSums.LabelIsBeaten : 0;
        sums.State |= state;
        if ((state & MatchingSums.StudentHasClasses) != 0 && (state & MatchingSums.TeacherHasClasses) != 0)
        {
            sums.Sum += z - v;
            sums.Kept += 1;
        }

        return sums;
    }
}

/// <summary>The sum of the squared differences; writes them, times a factor, as gradient. A device struct.</summary>
internal struct MatchingGradient<TAccess> : IQuadPass<float>
    where TAccess : unmanaged, IQuadAccess<float>
{
    public GradientTarget<float> Target;
    public float Mean;
    public float Factor;

    /// <summary>0 for a row that is left out.</summary>
    public int HasLoss;

    /// <summary>0 where no gradient is written.</summary>
    public int Writes;

    public float Step(float squares, QuadPair quads, int column)
    {
        Quad difference = new()
        {
            X = Of(quads.Student.X, quads.Teacher.X),
            Y = Of(quads.Student.Y, quads.Teacher.Y),
            Z = Of(quads.Student.Z, quads.Teacher.Z),
            W = Of(quads.Student.W, quads.Teacher.W),
        };
        if (Writes != 0)
        {
            TAccess access = default;
            Quad gradient = new() { X = Factor * difference.X, Y = Factor * difference.Y, Z = Factor * difference.Z, W = Factor * difference.W };
            access.Store(Target.Gradient, Target.Start, column, Target.Columns, gradient);
        }

        float low = (difference.X * difference.X) + (difference.Y * difference.Y);
        float high = (difference.Z * difference.Z) + (difference.W * difference.W);
        return squares + (low + high);
    }

    private readonly float Of(float z, float v)
    {
        float difference = 0;
        if (HasLoss != 0 && z > float.NegativeInfinity && v > float.NegativeInfinity)
            difference = z - v - Mean;
        return difference;
    }
}
