using System.Numerics;

namespace GpuDistill.PtxMachine;

/// <summary>
/// A warp of a group that is executed. Lanes that are at the same instruction go on together; where they part, those furthest behind go
/// on first, so that they meet again where the paths do.
/// </summary>
internal sealed class Warp
{
    public const int Size = 32;

    private readonly Program _program;
    private readonly List<Path> _paths = [];
    private readonly uint _all;
    private uint _live;

    public Warp(Program program, ThreadGroup group, int index)
    {
        _program = program;
        Group = group;
        Index = index;
        int lanes = Math.Min(Size, group.Threads - (index * Size));
        _all = lanes == Size ? uint.MaxValue : (1u << lanes) - 1;
        _live = _all;
        _paths.Add(new Path(0, _all, Wait.No));
        Registers = new ulong[program.RegisterLength];
        foreach ((int register, ulong value) in program.Constants)
            Registers.AsSpan(register, Size).Fill(value);
        Fill("%ntid.x", _ => group.Threads);
        Fill("%ctaid.x", _ => group.Index);
        Fill("%nctaid.x", _ => group.Groups);
        Fill("%tid.x", ThreadOf);
        for (int lane = 0; lane < Size; lane++)
            Copies[lane] = new AsyncCopies(this, lane);
        Products = new AsyncProducts(this);
    }

    private enum Wait
    {
        No,
        ForLanes,
        ForGroup,
    }

    public ThreadGroup Group { get; }

    public int Index { get; }

    public ulong[] Registers { get; }

    /// <summary>Barriers of this warp alone that it has passed.</summary>
    public int Epoch { get; set; }

    /// <summary>How often each lane has made its writes to shared memory known to what reads it without the threads.</summary>
    public int[] ProxyFences { get; } = new int[Size];

    /// <summary>How often each lane has ordered its accesses for other groups.</summary>
    public int[] Fences { get; } = new int[Size];

    public AsyncProducts Products { get; }

    public AsyncCopies[] Copies { get; } = new AsyncCopies[Size];

    public bool HasEnded => _live == 0;

    /// <summary>Whether all of its lanes that have not ended wait for the group.</summary>
    public bool IsAtGroupBarrier => _paths.TrueForAll(path => path.Wait == Wait.ForGroup);

    public int ThreadOf(int lane) => (Index * Size) + lane;

    public Stamp Stamp(int lane) => new(Group.Index, ThreadOf(lane), Group.Epoch, Epoch, Fences[lane]);

    public void PassGroupBarrier()
    {
        if (_paths.Count == 0)
            return;
        Path first = _paths[0];
        if (_paths.Find(path => path.At != first.At) is { Lanes: not 0 } other)
            throw Fault(first, $"lanes of one warp wait for the group at different barriers, here and at {other.At}");
        _paths.Clear();
        _paths.Add(new Path(first.At, _live, Wait.No));
    }

    /// <summary>Goes on until all lanes wait or have ended, or so many instructions are done.</summary>
    public void Run(int instructions)
    {
        while (instructions > 0 && Next() is { } next)
        {
            Path path = _paths[next];
            _paths.RemoveAt(next);
            int until = int.MaxValue;
            foreach (Path other in _paths)
            {
                if (other.Wait != Wait.ForGroup && other.At > path.At)
                    until = Math.Min(until, other.At);
            }

            Follow(path, until, ref instructions);
        }
    }

    // The path furthest behind that can go on, with all that are at its instruction.
    private int? Next()
    {
        int next = -1;
        for (int i = 0; i < _paths.Count; i++)
        {
            if (_paths[i].Wait == Wait.No && (next < 0 || _paths[i].At < _paths[next].At))
                next = i;
        }

        if (next < 0)
        {
            if (_paths.FirstOrDefault(path => path.Wait == Wait.ForLanes) is { Lanes: not 0 } stuck)
                throw Fault(stuck, $"only lanes {stuck.Lanes:X8} of the warp's {_all:X8} come to it");
            return null;
        }

        for (int i = _paths.Count - 1; i >= 0; i--)
        {
            if (i == next || _paths[i].At != _paths[next].At || _paths[i].Wait == Wait.ForGroup)
                continue;
            _paths[next] = _paths[next] with { Lanes = _paths[next].Lanes | _paths[i].Lanes };
            _paths.RemoveAt(i);
            if (i < next)
                next--;
        }

        return next;
    }

    private void Follow(Path path, int until, ref int instructions)
    {
        while (path.At < until && instructions-- > 0)
        {
            Instruction instruction = _program.Instructions[path.At];
            uint lanes = Guarded(instruction, path.Lanes);
            switch (instruction.Flow)
            {
                case Flow.Together when lanes != _all:
                    _paths.Add(path with { Wait = Wait.ForLanes });
                    return;
                case Flow.Straight:
                case Flow.Together:
                    if (lanes != 0)
                        Execute(instruction, path, lanes);
                    path = path with { At = path.At + 1 };
                    break;
                case Flow.GroupBarrier:
                    _paths.Add(new Path(path.At + 1, path.Lanes, Wait.ForGroup));
                    return;
                case Flow.Exit:
                    _live &= ~lanes;
                    if (lanes != path.Lanes)
                        _paths.Add(new Path(path.At + 1, path.Lanes & ~lanes, Wait.No));
                    return;
                default:
                    if (lanes != 0 && lanes != path.Lanes)
                    {
                        _paths.Add(new Path(instruction.Target, lanes, Wait.No));
                        _paths.Add(new Path(path.At + 1, path.Lanes & ~lanes, Wait.No));
                        return;
                    }

                    bool goesBack = lanes != 0 && instruction.Target < path.At;
                    path = path with { At = lanes != 0 ? instruction.Target : path.At + 1 };
                    if (goesBack && _paths.Count > 0)
                    {
                        _paths.Add(path); // another may be behind now
                        return;
                    }

                    break;
            }
        }

        _paths.Add(path);
    }

    private void Execute(Instruction instruction, Path path, uint lanes)
    {
        try
        {
            instruction.Operation!(this, lanes);
        }
        catch (PtxFault fault)
        {
            throw Fault(path, fault.Message);
        }
    }

    private uint Guarded(Instruction instruction, uint lanes)
    {
        if (instruction.Guard < 0)
            return lanes;
        uint held = 0;
        for (uint rest = lanes; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            if (Registers[instruction.Guard + lane] != 0 != instruction.Source.GuardIsNegated)
                held |= 1u << lane;
        }

        return held;
    }

    private void Fill(string name, Func<int, int> value)
    {
        int register = _program.Special(name);
        for (int lane = 0; register >= 0 && lane < Size; lane++)
            Registers[register + lane] = (uint)value(lane);
    }

    private PtxFault Fault(Path path, string message) =>
        new($"group {Group.Index}, warp {Index}, instruction {path.At}, '{_program.Instructions[path.At].Source}': {message}");

    // Lanes that are at the same instruction.
    private readonly record struct Path(int At, uint Lanes, Wait Wait);
}
