"""Times PyTorch on the work of ours.json on the same GPU and writes both side by side: peer.py ours.json side-by-side.json"""

import json
import sys

import torch
import torch.nn.functional as F

TEMPERATURE, SOFT, HARD = 4.0, 0.9, 0.1  # the defaults of DistillationOptions
BYTES_BEYOND_CACHES = 512 << 20


def loss(student, teacher, labels):
    z, v = student.float(), teacher.float()
    log_q = F.log_softmax(z / TEMPERATURE, dim=1)
    p = F.softmax(v / TEMPERATURE, dim=1)
    soft = -(p * log_q).sum(1).mean() * TEMPERATURE**2
    return SOFT * soft + HARD * F.cross_entropy(z, labels)


def step(function, inputs):
    student, teacher, labels = inputs
    student.grad = None
    function(student, teacher, labels).backward()


def gradient64(student, teacher, labels, rows):
    z, v = student[:rows].double(), teacher[:rows].double()
    q, p, h = (torch.softmax(x, 1) for x in (z / TEMPERATURE, v / TEMPERATURE, z))
    h[torch.arange(rows), labels[:rows]] -= 1
    return (SOFT * TEMPERATURE * (q - p) + HARD * h) / student.shape[0]


def median_us(function, sets, step=step, rounds=31, warm_ups=5):
    for i in range(warm_ups):
        step(function, sets[i % len(sets)])
    times = []
    for i in range(rounds):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        step(function, sets[i % len(sets)])
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end) * 1e3)
    return sorted(times)[rounds // 2]


def measure(entry, peer, function):
    rows, columns, dtype = entry["rows"], entry["columns"], getattr(torch, entry["dtype"])
    generator = torch.Generator("cuda").manual_seed(3)
    size = 3 * rows * columns * torch.finfo(dtype).bits // 8
    sets = []
    for _ in range(max(1, min(16, BYTES_BEYOND_CACHES // size))):
        student, teacher = (torch.empty(rows, columns, dtype=dtype, device="cuda").uniform_(-4, 4, generator=generator) for _ in range(2))
        labels = torch.randint(columns, (rows,), device="cuda", generator=generator)
        sets.append((student.requires_grad_(), teacher, labels))
    step(function, sets[0])
    checked = min(8, rows)
    expected, actual = gradient64(*sets[0], checked), sets[0][0].grad[:checked].double()
    bound = 1e-4 * expected.abs().amax(1, keepdim=True) + (expected.abs() / 256 if dtype == torch.bfloat16 else 0)
    if not ((actual - expected).abs() <= bound).all():
        raise SystemExit(f"{entry['work']} {entry['dtype']} {peer}: wrong gradient")
    return median_us(function, sets)


def multiply(function, inputs):
    return function(*inputs)


def measure_product(entry):
    """torch.matmul in the same precision; operands lie in memory as ours do, and are transposed as views."""
    rows, columns, terms = entry["rows"], entry["columns"], entry["terms"]
    torch.backends.cuda.matmul.allow_tf32 = entry["dtype"] == "tf32"
    generator = torch.Generator("cuda").manual_seed(3)
    size = 4 * (rows * terms + terms * columns + rows * columns)
    sets = []
    for _ in range(max(1, min(16, BYTES_BEYOND_CACHES // size))):
        left, right = ((terms, rows) if entry["transposeLeft"] else (rows, terms)), ((columns, terms) if entry["transposeRight"] else (terms, columns))
        a, b = (torch.empty(shape, device="cuda").uniform_(-1, 1, generator=generator) for shape in (left, right))
        a, b = (a.T if entry["transposeLeft"] else a), (b.T if entry["transposeRight"] else b)
        sets.append((a, b, torch.empty(rows, columns, device="cuda")))
    call = lambda a, b, out: torch.matmul(a, b, out=out)
    multiply(call, sets[0])
    a, b, out = sets[0]
    bound = (terms / 2**23 + (1e-3 if entry["dtype"] == "tf32" else 0)) * (a[:8].double().abs() @ b.double().abs())
    if not ((out[:8].double() - a[:8].double() @ b.double()).abs() <= bound).all():
        raise SystemExit(f"{entry['work']} {entry['dtype']}: wrong product")
    return median_us(call, sets, multiply)


def main():
    ours, result = json.load(open(sys.argv[1])), []
    print(torch.cuda.get_device_name(), "torch", torch.__version__)
    for entry in ours:
        if entry.get("gathered"):
            continue
        product = "terms" in entry
        for peer in ("torch.matmul",) if product else ("torch.eager", "torch.compile"):
            torch.cuda.empty_cache()
            torch._dynamo.reset()
            try:
                if product:
                    us = measure_product(entry)
                else:
                    us = measure(entry, peer, loss if peer == "torch.eager" else torch.compile(loss))
            except torch.cuda.OutOfMemoryError:
                us = None
            row = {"work": entry["work"], "dtype": entry["dtype"], "peer": peer, "peerUs": us, "oursUs": entry["oursUs"]}
            row["ratio"] = us / entry["oursUs"] if us else None
            row["shareOfCopyBandwidth"] = entry["shareOfCopyBandwidth"]
            if product:
                row["teraFlops"] = entry["teraFlops"]
            print(row)
            result.append(row)
    json.dump(result, open(sys.argv[2], "w"), indent=2)


if __name__ == "__main__":
    main()
