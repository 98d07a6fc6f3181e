using GpuDistill.Kernels;
using Xunit;

namespace GpuDistill.Tests.Training;

public class RunAheadTests
{
    [Fact]
    public void Values_come_in_order_and_no_more_than_two_are_under_way()
    {
        Device device = new();
        using RunAhead<long> ahead = new(() => new DeviceReadback(device));
        List<long> arrived = [];
        ahead.Start((value, point) =>
        {
            Assert.Equal(value, point.Step);
            arrived.Add(value);
        });
        for (int i = 0; i < 1000; i++)
        {
            device.Step++;
            ahead.Stepped(new ProgressPoint(device.Step, IsDue: i % 7 == 0));
            Assert.InRange(device.UnderWay, 0, 1);
        }

        ahead.Finish(new ProgressPoint(device.Step));
        Assert.Equal(0, device.UnderWay);
        Assert.Equal(arrived.Order().Distinct(), arrived);
        Assert.Equal(1000, arrived[^1]);
        Assert.All(Enumerable.Range(0, 143), i => Assert.Contains((7L * i) + 1, arrived));
    }

    [Fact]
    public void Quick_steps_are_read_back_seldom_and_slow_ones_each()
    {
        Device device = new();
        using RunAhead<long> ahead = new(() => new DeviceReadback(device));
        ahead.Start((_, _) => { });
        for (int i = 0; i < 20_000; i++)
        {
            device.Step++;
            ahead.Stepped(new ProgressPoint(device.Step));
        }

        Assert.InRange(device.Readbacks, 20_000 / 256, 2000); // 86, on a machine that is not stopped meanwhile
        device.Delay = TimeSpan.FromMilliseconds(60);
        for (int i = 0; i < 3000; i++) // periods of 256 steps, 128, 64 ... 1
        {
            device.Step++;
            ahead.Stepped(new ProgressPoint(device.Step));
            if (device.Step - device.Arrived <= 2)
                break;
        }

        Assert.InRange(device.Step - device.Arrived, 1, 2);
    }

    [Fact]
    public void What_a_run_that_failed_left_under_way_is_not_told_to_the_next()
    {
        Device device = new();
        using RunAhead<long> ahead = new(() => new DeviceReadback(device));
        ahead.Start((_, _) => throw new InvalidDataException());
        device.Step = 1;
        ahead.Stepped(new ProgressPoint(1, IsDue: true));
        device.Step = 2;
        Assert.Throws<InvalidDataException>(() => ahead.Stepped(new ProgressPoint(2, IsDue: true)));
        Assert.Equal(1, device.UnderWay);
        List<long> arrived = [];
        ahead.Start((value, _) => arrived.Add(value));
        Assert.Equal(0, device.UnderWay);
        device.Step = 3;
        ahead.Stepped(new ProgressPoint(3));
        ahead.Finish(new ProgressPoint(3));
        Assert.Equal([3], arrived);
    }

    [Fact]
    public void A_value_that_is_there_is_told_at_once()
    {
        Device device = new() { IsDone = true };
        using RunAhead<long> ahead = new(() => new DeviceReadback(device));
        List<long> arrived = [];
        ahead.Start((value, _) => arrived.Add(value));
        for (device.Step = 1; device.Step <= 5; device.Step++)
        {
            ahead.Stepped(new ProgressPoint(device.Step, IsDue: true));
            Assert.Equal(device.Step, arrived[^1]);
        }
    }

    /// <summary>Counts steps; its values are their numbers.</summary>
    private sealed class Device
    {
        public long Step { get; set; }

        public long Arrived { get; set; }

        public int UnderWay { get; set; }

        public int Readbacks { get; set; }

        public bool IsDone { get; init; }

        public TimeSpan Delay { get; set; }
    }

    private sealed class DeviceReadback(Device device) : Readback<long>
    {
        private long _value;

        public override bool HasArrived => device.IsDone;

        public override void Begin()
        {
            _value = device.Step;
            device.UnderWay++;
            device.Readbacks++;
            Assert.InRange(device.UnderWay, 1, 2);
        }

        public override long Take()
        {
            if (device.Delay > TimeSpan.Zero)
                Thread.Sleep(device.Delay);
            device.UnderWay--;
            device.Arrived = _value;
            return _value;
        }

        public override void Dispose()
        {
        }
    }
}
