using System.Buffers.Binary;

namespace GpuDistill.PtxMachine;

internal static partial class Operations
{
    private static Operation? Memory(Program program, Statement statement, string[] name)
    {
        int count = name.Contains("v4") ? 4 : name.Contains("v2") ? 2 : 1;
        switch (name[0], name.ElementAtOrDefault(1))
        {
            case ("ld", "param"):
                return Parameter(program, statement, Width(name[^1]) / 8);
            case ("ld", "global" or "shared"):
                return Load(program, statement, name[1] == "shared", Width(name[^1]) / 8, count);
            case ("st", "global" or "shared"):
                return Store(program, statement, name[1] == "shared", Width(name[^1]) / 8, count);
            case ("atom", "add"):
                return Add(program, statement.Operands[0], statement.Operands[1], statement.Operands[2]);
            case ("red", "add"):
                return Add(program, null, statement.Operands[0], statement.Operands[1]);
            case ("fence", "acq_rel") or ("membar", "gl"):
                return EachLane((warp, lane) =>
                {
                    warp.Group.Order.Fence(warp, lane);
                    warp.Fences[lane]++;
                });
            case ("cp", "async"):
                return Copy(program, statement, name[2]);
            default:
                return null;
        }
    }

    private static Operation Parameter(Program program, Statement statement, int bytes)
    {
        int d = program.Register(statement.Operands[0]);
        int offset = program.ParameterOffset(statement.Operands[1]);
        return EachLane((warp, lane) => warp.Registers[d + lane] = Read(warp.Group.Parameters.AsSpan(offset, bytes)));
    }

    private static Operation Load(Program program, Statement statement, bool isShared, int bytes, int count)
    {
        int[] targets = program.Registers(statement.Operands[0]);
        (int register, long offset) = program.Address(statement.Operands[1]);
        return EachLane((warp, lane) =>
        {
            ulong address = warp.Registers[register + lane] + (ulong)offset;
            ReadOnlySpan<byte> memory = isShared
                ? warp.Group.Shared.Read(warp, lane, address, bytes * count)
                : warp.Group.Global.Read(warp, lane, address, bytes * count);
            for (int i = 0; i < count; i++)
                warp.Registers[targets[i] + lane] = Read(memory.Slice(i * bytes, bytes));
        });
    }

    private static Operation Store(Program program, Statement statement, bool isShared, int bytes, int count)
    {
        (int register, long offset) = program.Address(statement.Operands[0]);
        int[] sources = program.Registers(statement.Operands[1]);
        return EachLane((warp, lane) =>
        {
            ulong address = warp.Registers[register + lane] + (ulong)offset;
            Span<byte> memory = isShared
                ? warp.Group.Shared.Write(warp, lane, address, bytes * count)
                : warp.Group.Global.Write(warp, lane, address, bytes * count);
            for (int i = 0; i < count; i++)
                Write(memory.Slice(i * bytes, bytes), warp.Registers[sources[i] + lane]);
        });
    }

    private static Operation Add(Program program, string? old, string place, string operand)
    {
        int d = old is null ? -1 : program.Register(old);
        (int register, long offset) = program.Address(place);
        int b = program.Register(operand);
        return EachLane((warp, lane) =>
        {
            Span<byte> memory = warp.Group.Global.Change(warp, lane, warp.Registers[register + lane] + (ulong)offset, sizeof(uint));
            uint before = (uint)Read(memory);
            Write(memory, before + (uint)warp.Registers[b + lane]);
            if (d >= 0)
                warp.Registers[d + lane] = before;
        });
    }

    private static Operation? Copy(Program program, Statement statement, string kind)
    {
        if (kind == "commit_group")
            return EachLane((warp, lane) => warp.Copies[lane].Commit());
        int number = program.Register(statement.Operands[kind == "wait_group" ? 0 : 2]);
        if (kind == "wait_group")
            return EachLane((warp, lane) => warp.Copies[lane].WaitForAllBut((int)warp.Registers[number + lane]));
        if (kind is not ("ca" or "cg"))
            return null;
        (int target, long targetOffset) = program.Address(statement.Operands[0]);
        (int source, long sourceOffset) = program.Address(statement.Operands[1]);
        int bytes = statement.Operands.Count > 3 ? program.Register(statement.Operands[3]) : number;
        return EachLane((warp, lane) => warp.Copies[lane].Start(
            warp.Registers[target + lane] + (ulong)targetOffset,
            warp.Registers[source + lane] + (ulong)sourceOffset,
            (int)warp.Registers[number + lane],
            (int)warp.Registers[bytes + lane]));
    }

    private static ulong Read(ReadOnlySpan<byte> memory) => memory.Length switch
    {
        8 => BinaryPrimitives.ReadUInt64LittleEndian(memory),
        4 => BinaryPrimitives.ReadUInt32LittleEndian(memory),
        2 => BinaryPrimitives.ReadUInt16LittleEndian(memory),
        _ => memory[0],
    };

    private static void Write(Span<byte> memory, ulong value)
    {
        for (int i = 0; i < memory.Length; i++)
            memory[i] = (byte)(value >> (8 * i));
    }
}
