namespace GpuDistill.Kernels;

// Which exponentials a row takes, as types, so that each combination is compiled without branches.
public static partial class DistillationLoss
{
    private interface ITerms
    {
        static abstract bool Soft { get; }

        static abstract bool Hard { get; }

        /// <summary>The student's exponential at T = 1 is that at T squared this many times; -1: it has its own.</summary>
        static abstract int Squarings { get; }
    }

    private readonly struct SoftAlone : ITerms
    {
        public static bool Soft => true;

        public static bool Hard => false;

        public static int Squarings => -1;
    }

    private readonly struct HardAlone : ITerms
    {
        public static bool Soft => false;

        public static bool Hard => true;

        public static int Squarings => -1;
    }

    private readonly struct Both : ITerms
    {
        public static bool Soft => true;

        public static bool Hard => true;

        public static int Squarings => -1;
    }

    private readonly struct BothAtOne : ITerms
    {
        public static bool Soft => true;

        public static bool Hard => true;

        public static int Squarings => 0;
    }

    private readonly struct BothAtTwo : ITerms
    {
        public static bool Soft => true;

        public static bool Hard => true;

        public static int Squarings => 1;
    }

    private readonly struct BothAtFour : ITerms
    {
        public static bool Soft => true;

        public static bool Hard => true;

        public static int Squarings => 2;
    }

    private readonly struct BothAtEight : ITerms
    {
        public static bool Soft => true;

        public static bool Hard => true;

        public static int Squarings => 3;
    }

    // Whether sums may take all logits for finite.
    private interface IRange
    {
        static abstract bool IsFinite { get; }
    }

    private readonly struct Finite : IRange
    {
        public static bool IsFinite => true;
    }

    private readonly struct Infinite : IRange
    {
        public static bool IsFinite => false;
    }
}
