"""Times functions on a device of PyTorch's as RoundClock.cs times ours, over several sets of tensors taken in turns."""

import math
import sys
import time

import torch

BYTES_BEYOND_CACHES, MOST_SETS = 512 << 20, 256  # as in DeviceBuffers.cs
WARM_UPS, WARM_UP_SECONDS, ROUNDS, MOST_RUNS, HOST_RUNS = 5, 0.1, 31, 4096, 64  # as in RoundClock.cs
DEVICE = "cuda"  # or "cpu", to try the program


def synchronize():
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def event_round(run, runs):
    """Seconds between two events of the device's stream around so many runs."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(runs):
        run()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1e3


def wall_round(run, runs):
    """Seconds on the host until the device is done with the last run."""
    start = time.perf_counter()
    for _ in range(runs):
        run()
    synchronize()
    return time.perf_counter() - start


def host_round(run, runs):
    """Seconds that submitting one run takes of the host."""
    start = time.perf_counter()
    for _ in range(runs):
        run()
    seconds = (time.perf_counter() - start) / runs
    synchronize()
    return seconds


def measure(run, wall=False):
    """Median seconds of a run, and of its submission, in rounds as RoundClock.cs has them."""
    one_round, least = (wall_round, 20e-3) if wall else (event_round if DEVICE == "cuda" else wall_round, 2e-3)
    for _ in range(WARM_UPS):
        run()
    synchronize()
    runs = 1
    while runs < MOST_RUNS and min(one_round(run, runs) for _ in range(3)) < least:
        runs *= 2
    start = time.perf_counter()
    while time.perf_counter() - start < WARM_UP_SECONDS:
        one_round(run, runs)
    times, hosts = [], []
    for _ in range(ROUNDS):
        times.append(one_round(run, runs) / runs)
        hosts.append(host_round(run, min(runs, HOST_RUNS)))
    return sorted(times)[ROUNDS // 2], sorted(hosts)[ROUNDS // 2]


def sets_of(size, make):
    return [make() for _ in range(1 if DEVICE == "cpu" else max(1, min(MOST_SETS, math.ceil(BYTES_BEYOND_CACHES / size))))]


def measure_in_turns(function, sets):
    turn = iter(range(sys.maxsize))
    return measure(lambda: function(*sets[next(turn) % len(sets)]))


def uniform(*shape, dtype=torch.float32, limit=1.0):
    return torch.empty(shape, dtype=dtype, device=DEVICE).uniform_(-limit, limit)
