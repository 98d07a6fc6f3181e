using System.Runtime.CompilerServices;

namespace GpuDistill.Kernels;

// Tiles of 8 rows. One straight-line method per width: the JIT keeps sums in registers only as plain locals.
internal static unsafe partial class MicroKernel<F>
{
    [MethodImpl(SimdLoop.Alone)]
    private static void Run8x3(float* a, nint row, nint step, float* b, nint bStep, int terms, float* c, nint cRow, bool add)
    {
        F zero = F.Splat(0);
        F s00 = add ? F.Load(c) : zero;
        F s01 = add ? F.Load(c + F.Width) : zero;
        F s02 = add ? F.Load(c + (2 * F.Width)) : zero;
        F s10 = add ? F.Load(c + cRow) : zero;
        F s11 = add ? F.Load(c + cRow + F.Width) : zero;
        F s12 = add ? F.Load(c + cRow + (2 * F.Width)) : zero;
        F s20 = add ? F.Load(c + (2 * cRow)) : zero;
        F s21 = add ? F.Load(c + (2 * cRow) + F.Width) : zero;
        F s22 = add ? F.Load(c + (2 * cRow) + (2 * F.Width)) : zero;
        F s30 = add ? F.Load(c + (3 * cRow)) : zero;
        F s31 = add ? F.Load(c + (3 * cRow) + F.Width) : zero;
        F s32 = add ? F.Load(c + (3 * cRow) + (2 * F.Width)) : zero;
        F s40 = add ? F.Load(c + (4 * cRow)) : zero;
        F s41 = add ? F.Load(c + (4 * cRow) + F.Width) : zero;
        F s42 = add ? F.Load(c + (4 * cRow) + (2 * F.Width)) : zero;
        F s50 = add ? F.Load(c + (5 * cRow)) : zero;
        F s51 = add ? F.Load(c + (5 * cRow) + F.Width) : zero;
        F s52 = add ? F.Load(c + (5 * cRow) + (2 * F.Width)) : zero;
        F s60 = add ? F.Load(c + (6 * cRow)) : zero;
        F s61 = add ? F.Load(c + (6 * cRow) + F.Width) : zero;
        F s62 = add ? F.Load(c + (6 * cRow) + (2 * F.Width)) : zero;
        F s70 = add ? F.Load(c + (7 * cRow)) : zero;
        F s71 = add ? F.Load(c + (7 * cRow) + F.Width) : zero;
        F s72 = add ? F.Load(c + (7 * cRow) + (2 * F.Width)) : zero;
        nint row2 = 2 * row;
        float* a3 = a + (3 * row);
        float* a6 = a + (6 * row);
        for (; terms > 0; terms--)
        {
            F b0 = F.Load(b);
            F b1 = F.Load(b + F.Width);
            F b2 = F.Load(b + (2 * F.Width));
            F x = F.Splat(*a);
            s00 = F.Fma(x, b0, s00);
            s01 = F.Fma(x, b1, s01);
            s02 = F.Fma(x, b2, s02);
            x = F.Splat(a[row]);
            s10 = F.Fma(x, b0, s10);
            s11 = F.Fma(x, b1, s11);
            s12 = F.Fma(x, b2, s12);
            x = F.Splat(a[row2]);
            s20 = F.Fma(x, b0, s20);
            s21 = F.Fma(x, b1, s21);
            s22 = F.Fma(x, b2, s22);
            x = F.Splat(*a3);
            s30 = F.Fma(x, b0, s30);
            s31 = F.Fma(x, b1, s31);
            s32 = F.Fma(x, b2, s32);
            x = F.Splat(a3[row]);
            s40 = F.Fma(x, b0, s40);
            s41 = F.Fma(x, b1, s41);
            s42 = F.Fma(x, b2, s42);
            x = F.Splat(a3[row2]);
            s50 = F.Fma(x, b0, s50);
            s51 = F.Fma(x, b1, s51);
            s52 = F.Fma(x, b2, s52);
            x = F.Splat(*a6);
            s60 = F.Fma(x, b0, s60);
            s61 = F.Fma(x, b1, s61);
            s62 = F.Fma(x, b2, s62);
            x = F.Splat(a6[row]);
            s70 = F.Fma(x, b0, s70);
            s71 = F.Fma(x, b1, s71);
            s72 = F.Fma(x, b2, s72);
            a += step;
            a3 += step;
            a6 += step;
            b += bStep;
        }

        F.Store(s00, c);
        F.Store(s01, c + F.Width);
        F.Store(s02, c + (2 * F.Width));
        F.Store(s10, c + cRow);
        F.Store(s11, c + cRow + F.Width);
        F.Store(s12, c + cRow + (2 * F.Width));
        F.Store(s20, c + (2 * cRow));
        F.Store(s21, c + (2 * cRow) + F.Width);
        F.Store(s22, c + (2 * cRow) + (2 * F.Width));
        F.Store(s30, c + (3 * cRow));
        F.Store(s31, c + (3 * cRow) + F.Width);
        F.Store(s32, c + (3 * cRow) + (2 * F.Width));
        F.Store(s40, c + (4 * cRow));
        F.Store(s41, c + (4 * cRow) + F.Width);
        F.Store(s42, c + (4 * cRow) + (2 * F.Width));
        F.Store(s50, c + (5 * cRow));
        F.Store(s51, c + (5 * cRow) + F.Width);
        F.Store(s52, c + (5 * cRow) + (2 * F.Width));
        F.Store(s60, c + (6 * cRow));
        F.Store(s61, c + (6 * cRow) + F.Width);
        F.Store(s62, c + (6 * cRow) + (2 * F.Width));
        F.Store(s70, c + (7 * cRow));
        F.Store(s71, c + (7 * cRow) + F.Width);
        F.Store(s72, c + (7 * cRow) + (2 * F.Width));
    }

    [MethodImpl(SimdLoop.Alone)]
    private static void Run8x2(float* a, nint row, nint step, float* b, nint bStep, int terms, float* c, nint cRow, bool add)
    {
        F zero = F.Splat(0);
        F s00 = add ? F.Load(c) : zero;
        F s01 = add ? F.Load(c + F.Width) : zero;
        F s10 = add ? F.Load(c + cRow) : zero;
        F s11 = add ? F.Load(c + cRow + F.Width) : zero;
        F s20 = add ? F.Load(c + (2 * cRow)) : zero;
        F s21 = add ? F.Load(c + (2 * cRow) + F.Width) : zero;
        F s30 = add ? F.Load(c + (3 * cRow)) : zero;
        F s31 = add ? F.Load(c + (3 * cRow) + F.Width) : zero;
        F s40 = add ? F.Load(c + (4 * cRow)) : zero;
        F s41 = add ? F.Load(c + (4 * cRow) + F.Width) : zero;
        F s50 = add ? F.Load(c + (5 * cRow)) : zero;
        F s51 = add ? F.Load(c + (5 * cRow) + F.Width) : zero;
        F s60 = add ? F.Load(c + (6 * cRow)) : zero;
        F s61 = add ? F.Load(c + (6 * cRow) + F.Width) : zero;
        F s70 = add ? F.Load(c + (7 * cRow)) : zero;
        F s71 = add ? F.Load(c + (7 * cRow) + F.Width) : zero;
        nint row2 = 2 * row;
        float* a3 = a + (3 * row);
        float* a6 = a + (6 * row);
        for (; terms > 0; terms--)
        {
            F b0 = F.Load(b);
            F b1 = F.Load(b + F.Width);
            F x = F.Splat(*a);
            s00 = F.Fma(x, b0, s00);
            s01 = F.Fma(x, b1, s01);
            x = F.Splat(a[row]);
            s10 = F.Fma(x, b0, s10);
            s11 = F.Fma(x, b1, s11);
            x = F.Splat(a[row2]);
            s20 = F.Fma(x, b0, s20);
            s21 = F.Fma(x, b1, s21);
            x = F.Splat(*a3);
            s30 = F.Fma(x, b0, s30);
            s31 = F.Fma(x, b1, s31);
            x = F.Splat(a3[row]);
            s40 = F.Fma(x, b0, s40);
            s41 = F.Fma(x, b1, s41);
            x = F.Splat(a3[row2]);
            s50 = F.Fma(x, b0, s50);
            s51 = F.Fma(x, b1, s51);
            x = F.Splat(*a6);
            s60 = F.Fma(x, b0, s60);
            s61 = F.Fma(x, b1, s61);
            x = F.Splat(a6[row]);
            s70 = F.Fma(x, b0, s70);
            s71 = F.Fma(x, b1, s71);
            a += step;
            a3 += step;
            a6 += step;
            b += bStep;
        }

        F.Store(s00, c);
        F.Store(s01, c + F.Width);
        F.Store(s10, c + cRow);
        F.Store(s11, c + cRow + F.Width);
        F.Store(s20, c + (2 * cRow));
        F.Store(s21, c + (2 * cRow) + F.Width);
        F.Store(s30, c + (3 * cRow));
        F.Store(s31, c + (3 * cRow) + F.Width);
        F.Store(s40, c + (4 * cRow));
        F.Store(s41, c + (4 * cRow) + F.Width);
        F.Store(s50, c + (5 * cRow));
        F.Store(s51, c + (5 * cRow) + F.Width);
        F.Store(s60, c + (6 * cRow));
        F.Store(s61, c + (6 * cRow) + F.Width);
        F.Store(s70, c + (7 * cRow));
        F.Store(s71, c + (7 * cRow) + F.Width);
    }

    [MethodImpl(SimdLoop.Alone)]
    private static void Run8x1(float* a, nint row, nint step, float* b, nint bStep, int terms, float* c, nint cRow, bool add)
    {
        F zero = F.Splat(0);
        F s00 = add ? F.Load(c) : zero;
        F s10 = add ? F.Load(c + cRow) : zero;
        F s20 = add ? F.Load(c + (2 * cRow)) : zero;
        F s30 = add ? F.Load(c + (3 * cRow)) : zero;
        F s40 = add ? F.Load(c + (4 * cRow)) : zero;
        F s50 = add ? F.Load(c + (5 * cRow)) : zero;
        F s60 = add ? F.Load(c + (6 * cRow)) : zero;
        F s70 = add ? F.Load(c + (7 * cRow)) : zero;
        nint row2 = 2 * row;
        float* a3 = a + (3 * row);
        float* a6 = a + (6 * row);
        for (; terms > 0; terms--)
        {
            F b0 = F.Load(b);
            F x = F.Splat(*a);
            s00 = F.Fma(x, b0, s00);
            x = F.Splat(a[row]);
            s10 = F.Fma(x, b0, s10);
            x = F.Splat(a[row2]);
            s20 = F.Fma(x, b0, s20);
            x = F.Splat(*a3);
            s30 = F.Fma(x, b0, s30);
            x = F.Splat(a3[row]);
            s40 = F.Fma(x, b0, s40);
            x = F.Splat(a3[row2]);
            s50 = F.Fma(x, b0, s50);
            x = F.Splat(*a6);
            s60 = F.Fma(x, b0, s60);
            x = F.Splat(a6[row]);
            s70 = F.Fma(x, b0, s70);
            a += step;
            a3 += step;
            a6 += step;
            b += bStep;
        }

        F.Store(s00, c);
        F.Store(s10, c + cRow);
        F.Store(s20, c + (2 * cRow));
        F.Store(s30, c + (3 * cRow));
        F.Store(s40, c + (4 * cRow));
        F.Store(s50, c + (5 * cRow));
        F.Store(s60, c + (6 * cRow));
        F.Store(s70, c + (7 * cRow));
    }
}
