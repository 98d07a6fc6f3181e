namespace GpuDistill.PtxMachine;

/// <summary>
/// Sums and differences that an assembler makes one fused operation with a product before them: the manual lets it wherever neither is
/// written with a rounding (".rn"), and it does. The product is then not rounded, so a kernel whose results rest on that is caught.
/// </summary>
/// <param name="Fused">The sum's register, the factors, and what the product is added to.</param>
/// <param name="NegatesProduct">Whether the product is subtracted.</param>
/// <param name="NegatesOther">Whether the other is subtracted.</param>
internal sealed record Contraction(Statement Fused, bool NegatesProduct, bool NegatesOther)
{
    /// <summary>Those of a text, by the statement that each takes the place of; null elsewhere.</summary>
    public static Contraction?[] Of(PtxText text)
    {
        HashSet<int> labelled = [.. text.Labels.Values];
        Dictionary<string, Statement> products = [];
        Contraction?[] found = new Contraction?[text.Statements.Count];
        for (int i = 0; i < found.Length; i++)
        {
            // Where paths meet a register may hold something else; along one path it holds what was written last.
            if (labelled.Contains(i))
                products.Clear();
            Statement statement = text.Statements[i];
            found[i] = Of(statement, products);
            if (statement.Operands.Count > 0)
                Write(statement, products);
        }

        return found;
    }

    private static Contraction? Of(Statement statement, Dictionary<string, Statement> products)
    {
        bool subtracts = statement.Name == "sub.f32";
        if (!subtracts && statement.Name != "add.f32")
            return null;
        (string first, string second) = (statement.Operands[1], statement.Operands[2]);
        if (products.TryGetValue(second, out Statement? product))
            return new(Fuse(statement, product, first), NegatesProduct: subtracts, NegatesOther: false);
        return products.TryGetValue(first, out product)
            ? new(Fuse(statement, product, second), NegatesProduct: false, NegatesOther: subtracts)
            : null;
    }

    private static Statement Fuse(Statement sum, Statement product, string other) =>
        sum with { Operands = [sum.Operands[0], product.Operands[1], product.Operands[2], other] };

    private static void Write(Statement statement, Dictionary<string, Statement> products)
    {
        Statement? product = statement.Guard is not null ? null
            : statement.Name == "mul.f32" ? statement
            : statement.Name is "mov.f32" or "mov.b32" ? products.GetValueOrDefault(statement.Operands[1])
            : null;
        foreach (string register in statement.Operands[0].Trim('{', '}').Split(',', '|'))
        {
            string written = register.Trim();
            products.Remove(written);
            foreach (string stale in products.Where(known => known.Value.Operands.Skip(1).Contains(written)).Select(known => known.Key).ToList())
                products.Remove(stale);
        }

        if (product is not null && !product.Operands.Skip(1).Contains(statement.Operands[0]))
            products[statement.Operands[0]] = product;
    }
}
