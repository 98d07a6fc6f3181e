using ILGPU.Algorithms;

namespace GpuDistill.Kernels;

/// <summary>Four neighbouring numbers in single precision: 16 bytes, one access. A device struct.</summary>
internal struct Quad
{
    public const int Length = 4;

    public float X, Y, Z, W;

    /// <summary>The sum of the four: (X + Y) + (Z + W).</summary>
    public static float Sum(Quad quad) => (quad.X + quad.Y) + (quad.Z + quad.W);

    public static float Largest(Quad quad) => XMath.Max(XMath.Max(quad.X, quad.Y), XMath.Max(quad.Z, quad.W));

    public static Quad Less(Quad quad, float number) =>
        new() { X = quad.X - number, Y = quad.Y - number, Z = quad.Z - number, W = quad.W - number };

    public static Quad Less(Quad quad, Quad other) =>
        new() { X = quad.X - other.X, Y = quad.Y - other.Y, Z = quad.Z - other.Z, W = quad.W - other.W };

    /// <summary>The sum of the four products.</summary>
    public static float Dot(Quad quad, Quad other) => (quad.X * other.X) + (quad.Y * other.Y) + (quad.Z * other.Z) + (quad.W * other.W);

    /// <summary>Powers of 2, the numbers times a factor being the exponents.</summary>
    public static Quad Powers(Quad quad, float factor) => new()
    {
        X = XMath.Exp2(quad.X * factor),
        Y = XMath.Exp2(quad.Y * factor),
        Z = XMath.Exp2(quad.Z * factor),
        W = XMath.Exp2(quad.W * factor),
    };
}
