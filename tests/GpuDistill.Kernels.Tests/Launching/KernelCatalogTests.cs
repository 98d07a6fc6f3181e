using GpuDistill.TestKit;
using Xunit;

namespace GpuDistill.Kernels.Tests.Launching;

public class KernelCatalogTests
{
    [Fact]
    public void A_kernel_that_is_not_in_the_catalog_does_not_load()
    {
        KernelContext context = TestDevices.Get("cpu", KernelVariant.Portable);
        InvalidOperationException exception = Assert.Throws<InvalidOperationException>(() => context.Load<int>(Unmarked));
        Assert.Equal("KernelCatalogTests.Unmarked has no KernelEntryAttribute.", exception.Message);
    }

    [Fact]
    public void The_catalog_has_each_kernel_once_for_each_storage_type()
    {
        Assert.Equal(KernelCatalog.All.Count, KernelCatalog.All.Select(entry => entry.Name).Distinct().Count());
        Assert.All(KernelCatalog.All, entry => Assert.False(entry.Method.ContainsGenericParameters));
        foreach ((Type element, Type storage) in StorageType.All)
        {
            string access = $"SingleElements<{storage.Name.Replace("Storage", "", StringComparison.Ordinal)}>";
            Assert.Contains(KernelCatalog.All, entry => entry.Name == $"DistillationLoss.RowKernel<{element.Name}, {access}>");
        }
    }

    private static void Unmarked(int argument)
    {
    }
}
