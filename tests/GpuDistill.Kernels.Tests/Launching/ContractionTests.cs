using GpuDistill.PtxMachine;
using Xunit;

namespace GpuDistill.Kernels.Tests.Launching;

/// <summary>
/// The machine that runs kernels' PTX makes products and sums one operation where an assembler may, and nowhere else. The kernels here
/// compute with 1 + 2^-12, whose square, 1 + 2^-11 + 2^-24, a float cannot hold.
/// </summary>
public unsafe class ContractionTests
{
    private const float Factor = 1 + (1f / 4096);

    private const float Square = Factor * Factor;

    // What the square loses when it is rounded.
    private const float Lost = 1f / (1 << 24);

    [Theory]
    [InlineData("sub.f32 %f3, %f2, %f4;", Lost)]
    [InlineData("sub.f32 %f3, %f4, %f2;", -Lost)]
    [InlineData("neg.f32 %f5, %f4; add.f32 %f3, %f2, %f5;", Lost)]
    [InlineData("neg.f32 %f5, %f4; add.f32 %f3, %f5, %f2;", Lost)]
    [InlineData("mov.f32 %f5, %f2; sub.f32 %f3, %f5, %f4;", Lost)]
    [InlineData("sub.f32 %f2, %f2, %f4; mov.f32 %f3, %f2;", Lost)]
    public void A_product_is_added_as_it_is(string text, float expected)
    {
        Assert.Equal(expected, Run(text, errs: true));
        Assert.Equal(0, Run(text, errs: false));
    }

    [Theory]
    [InlineData("sub.rn.f32 %f3, %f2, %f4;")] // the sum is to be rounded as written
    [InlineData("mul.rn.f32 %f2, %f1, %f1; sub.f32 %f3, %f2, %f4;")] // the product is
    [InlineData("mov.f32 %f2, %f4; sub.f32 %f3, %f2, %f4;")] // the register holds another number by now
    [InlineData("mov.f32 %f1, %f4; sub.f32 %f3, %f2, %f4;")] // a factor's does
    [InlineData("bra NEXT; NEXT: sub.f32 %f3, %f2, %f4;")] // another path might lead here
    [InlineData("setp.gt.f32 %p1, %f1, 0f00000000; @%p1 mul.f32 %f2, %f1, %f1; sub.f32 %f3, %f2, %f4;")] // nor is it sure which product
    public void Elsewhere_it_is_rounded(string text) => Assert.Equal(0, Run(text, errs: true));

    [Fact]
    public void One_of_two_products_is_rounded() =>
        Assert.Equal(-Lost, Run("mul.f32 %f5, %f1, %f1; sub.f32 %f3, %f2, %f5;", errs: true));

    // With the factor in %f1, its square by mul.f32 in %f2 and as a number in %f4, what is in %f3 in the end.
    private static float Run(string text, bool errs)
    {
        Program program = Program.Of(
            $$"""
            .version 8.4
            .target sm_90
            .address_size 64
            .visible .entry contracted(.param .align 8 .b8 numbers[8])
            {
                ld.param.u64 %rd1, [numbers+0];
                ld.global.f32 %f1, [%rd1];
                ld.global.f32 %f4, [%rd1+4];
                mul.f32 %f2, %f1, %f1;
                {{text}}
                st.global.f32 [%rd1+8], %f3;
                ret;
            }
            """,
            errs: errs);
        float* numbers = stackalloc float[] { Factor, Square, float.NaN };
        nint address = (nint)numbers;
        ThreadGrid.Run(program, 1, 1, 0, BitConverter.GetBytes(address), new GlobalMemory([(address, 3 * sizeof(float))]));
        return numbers[2];
    }
}
