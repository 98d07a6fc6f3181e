using ILGPU;

namespace GpuDistill.Kernels;

/// <summary>
/// The CPU's matrix product (after Goto and van de Geijn 2008, "Anatomy of high-performance matrix multiplication"): each
/// worker packs blocks of the right operand into its own second-level cache and runs tiles of <see cref="MicroKernel{F}"/>
/// over panels of the left operand, which all workers pack together. When a few rows of a block are complete they are still
/// in the first-level cache, and <see cref="Finish"/> applies what follows the product.
/// </summary>
internal abstract unsafe class GemmLaunch<F> : CpuLaunch
    where F : struct, ISimd<F>
{
    private readonly GemmOperands _g;
    private readonly GemmPlan _plan;
    private readonly PackingMemory _packing;
    private readonly long _rightFloats;
    private readonly float* _rightEnd;
    private readonly float* _leftEnd;

    protected GemmLaunch(string operation, KernelVariant variant, CpuWorkers workers, in GemmArguments<float> operands, ArrayView<float> result)
        : base(operation, variant, workers)
    {
        Holds = (operands, result);
        _g = new GemmOperands(operands, result);
        _plan = new GemmPlan(_g, workers.Count, TileRows, F.Width);
        _rightFloats = (long)_plan.Terms * _plan.Columns;
        _rightEnd = _g.Right + ((long)_g.Terms * _g.Columns);
        _leftEnd = _g.Left + ((long)_g.Rows * _g.Terms);
        _packing = workers.Packing;
        workers.Reserve((long)(_plan.DirectLeft ? TileRows : _plan.ChunkRows) * _g.Terms, _rightFloats * workers.Count);
    }

    private static int TileRows => MicroKernel<F>.Rows;

    internal override void Execute(CpuTeam team)
    {
        Prepare(team);
        int worker = team.Index;
        bool working = worker < _plan.RowParts * _plan.ColumnParts;
        (int firstColumn, int lastColumn) = Part(_g.Columns, F.Width, worker % _plan.ColumnParts, _plan.ColumnParts);
        float* right = _packing.Right + (_rightFloats * worker);
        for (int chunk = 0; chunk < _g.Rows; chunk += _plan.ChunkRows)
        {
            int rows = Math.Min(_plan.ChunkRows, _g.Rows - chunk);
            if (chunk > 0)
                team.Barrier(); // the chunk before may still be read
            PackLeft(team, chunk, rows);
            team.Barrier(); // the chunk is packed
            if (!working)
                continue;
            (int first, int last) = Part(rows, TileRows, worker / _plan.ColumnParts, _plan.RowParts);
            if (first < last)
                Columns(chunk, chunk + first, chunk + last, firstColumn, lastColumn, right);
        }
    }

    /// <summary>What else the workers do, before the product.</summary>
    protected virtual void Prepare(CpuTeam team)
    {
    }

    /// <summary>Applies to <paramref name="count"/> finished elements of one row of the product what follows it, in place.</summary>
    /// <param name="values">The elements.</param>
    /// <param name="row">Their row.</param>
    /// <param name="column">The first one's column, a multiple of the SIMD width.</param>
    /// <param name="count">Their number.</param>
    protected virtual void Finish(float* values, int row, int column, int count)
    {
    }

    private static (int First, int Last) Part(int length, int grain, int index, int count)
    {
        long grains = GemmPlan.Ceiling(length, grain);
        return ((int)Math.Min(length, grains * index / count * grain), (int)Math.Min(length, grains * (index + 1) / count * grain));
    }

    private void PackLeft(CpuTeam team, int chunk, int rows)
    {
        int panels = GemmPlan.Ceiling(rows, TileRows);
        (long first, long last) = team.Part(panels);
        if (_plan.DirectLeft)
        {
            // Only the panel at the edge.
            if (last == panels && first < last && rows % TileRows != 0)
                PackPanel(chunk, rows, panels - 1, _packing.Left);
            return;
        }

        for (long panel = first; panel < last; panel++)
            PackPanel(chunk, rows, (int)panel, _packing.Left + (panel * TileRows * _g.Terms));
    }

    private void PackPanel(int chunk, int rows, int panel, float* target)
    {
        int row = panel * TileRows;
        int lanes = Math.Min(TileRows, rows - row);
        float* source = _g.Left + ((chunk + row) * _g.LeftRow);
        if (_g.LeftRow == 1)
            Packing<F>.Copy(source, _leftEnd, _g.LeftStep, lanes, TileRows, _g.Terms, target);
        else
            Packing<F>.Transpose(source, _g.LeftRow, lanes, TileRows, _g.Terms, target);
    }

    // One worker's part of the result: blocks of columns, within them blocks of terms.
    private void Columns(int chunk, int firstRow, int lastRow, int firstColumn, int lastColumn, float* right)
    {
        for (int column = firstColumn; column < lastColumn; column += _plan.Columns)
        {
            int columns = Math.Min(_plan.Columns, lastColumn - column);
            for (int term = 0; term < _g.Terms; term += _plan.Terms)
            {
                int terms = Math.Min(_plan.Terms, _g.Terms - term);
                PackRight(column, columns, term, terms, right);
                for (int row = firstRow; row < lastRow; row += TileRows)
                {
                    int rows = Math.Min(TileRows, _g.Rows - row);
                    Panel(chunk, row, rows, column, columns, term, terms, right);
                    if (term + terms < _g.Terms)
                        continue;
                    for (int i = row; i < row + rows; i++)
                        Finish(_g.Result + ((long)i * _g.Columns) + column, i, column, columns);
                }
            }
        }
    }

    private void PackRight(int column, int columns, int term, int terms, float* target)
    {
        int tile = MicroKernel<F>.MaxVectors * F.Width;
        for (int j = 0; j < columns; j += tile)
        {
            int lanes = Math.Min(tile, columns - j);
            int width = GemmPlan.Ceiling(lanes, F.Width) * F.Width;
            if (!_plan.DirectRight || lanes < width)
            {
                float* source = _g.Right + (term * _g.RightStep) + ((column + j) * _g.RightColumn);
                if (_g.RightColumn == 1)
                    Packing<F>.Copy(source, _rightEnd, _g.RightStep, lanes, width, terms, target);
                else
                    Packing<F>.Transpose(source, _g.RightColumn, lanes, width, terms, target);
            }

            target += (nint)width * terms;
        }
    }

    // One panel of rows against one block of the right operand.
    private void Panel(int chunk, int row, int rows, int column, int columns, int term, int terms, float* right)
    {
        float* left;
        nint leftRow = 1;
        nint leftStep = TileRows;
        if (!_plan.DirectLeft)
        {
            left = _packing.Left + ((long)(row - chunk) * _g.Terms) + ((long)term * TileRows);
        }
        else if (rows < TileRows)
        {
            left = _packing.Left + ((long)term * TileRows);
        }
        else
        {
            left = _g.Left + (row * _g.LeftRow) + (term * _g.LeftStep);
            leftRow = _g.LeftRow;
            leftStep = _g.LeftStep;
        }

        int tile = MicroKernel<F>.MaxVectors * F.Width;
        float* edge = stackalloc float[TileRows * tile];
        for (int j = 0; j < columns; j += tile)
        {
            int lanes = Math.Min(tile, columns - j);
            int vectors = GemmPlan.Ceiling(lanes, F.Width);
            int width = vectors * F.Width;
            float* source = right;
            nint sourceStep = width;
            if (_plan.DirectRight && lanes == width)
            {
                source = _g.Right + (term * _g.RightStep) + column + j;
                sourceStep = _g.RightStep;
            }

            float* result = _g.Result + ((long)row * _g.Columns) + column + j;
            if (lanes == width && rows == TileRows)
            {
                MicroKernel<F>.Run(vectors, left, leftRow, leftStep, source, sourceStep, terms, result, _g.Columns, term > 0);
            }
            else
            {
                // A tile over the edge is computed aside, and only what exists is copied.
                if (term > 0)
                    CopyRows(result, _g.Columns, edge, width, rows, lanes);
                MicroKernel<F>.Run(vectors, left, leftRow, leftStep, source, sourceStep, terms, edge, width, term > 0);
                CopyRows(edge, width, result, _g.Columns, rows, lanes);
            }

            right += (nint)width * terms;
        }
    }

    private static void CopyRows(float* source, nint sourceRow, float* target, nint targetRow, int rows, int columns)
    {
        for (int row = 0; row < rows; row++)
            new ReadOnlySpan<float>(source + (row * sourceRow), columns).CopyTo(new Span<float>(target + (row * targetRow), columns));
    }
}
