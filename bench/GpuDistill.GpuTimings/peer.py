"""Times PyTorch on the work of ours.json on the same GPU and writes both side by side, after every row: whatever fails is a row that says so.

    peer.py ours.json side-by-side.json [loss|step|product|dense ...] [--filter TEXT] [--dry-run]

--dry-run takes the processor: it tries this program on what GpuDistill.GpuTimings --dry-run wrote, and measures nothing.
"""

import argparse
import copy
import json
import os
import sys

import torch
import torch.nn.functional as F

import peer_clock
from peer_clock import measure, measure_in_turns, sets_of, uniform

TEMPERATURE, SOFT, HARD = 4.0, 0.9, 0.1  # the defaults of DistillationOptions
LEARNING_RATE, MOMENTUM = 0.05, 0.9  # as in StepSetup.cs


def require(ok, what):
    if not bool(ok):
        raise ValueError("wrong " + what)


def compiled(peer, function, **options):
    return torch.compile(function, **options) if peer != "torch.eager" else function


# The distillation loss


def loss(student, teacher, labels):
    z, v = (x if x.dtype == torch.float64 else x.float() for x in (student, teacher))
    log_q = F.log_softmax(z / TEMPERATURE, dim=1)
    p = F.softmax(v / TEMPERATURE, dim=1)
    soft = -(p * log_q).sum(1).mean() * TEMPERATURE**2
    return SOFT * soft + HARD * F.cross_entropy(z, labels)


def gradient64(student, teacher, labels, rows):
    z, v = student[:rows].double(), teacher[:rows].double()
    q, p, h = (torch.softmax(x, 1) for x in (z / TEMPERATURE, v / TEMPERATURE, z))
    h[torch.arange(rows), labels[:rows]] -= 1
    return (SOFT * TEMPERATURE * (q - p) + HARD * h) / student.shape[0]


def time_loss(entry, peer):
    rows, columns, dtype = entry["rows"], entry["columns"], getattr(torch, entry["dtype"])
    function = compiled(peer, loss)

    def make():
        student, teacher = (uniform(rows, columns, dtype=dtype, limit=4.0) for _ in range(2))
        return student.requires_grad_(), teacher, torch.randint(columns, (rows,), device=peer_clock.DEVICE)

    def run(student, teacher, labels):
        student.grad = None
        function(student, teacher, labels).backward()

    sets = sets_of(3 * rows * columns * torch.finfo(dtype).bits // 8, make)
    run(*sets[0])
    checked = min(8, rows)
    expected, actual = gradient64(*(x.detach() for x in sets[0]), checked), sets[0][0].grad[:checked].double()
    bound = 1e-4 * expected.abs().amax(1, keepdim=True) + (expected.abs() / 256 if dtype == torch.bfloat16 else 0)
    require(((actual - expected).abs() <= bound).all(), "gradient")
    return measure_in_turns(run, sets)


# A training step


def time_step(entry, peer):
    """The same network, loss and optimizer on a batch that is at hand (ours gathers it, too).

    In bfloat16 by autocast, which keeps parameters, their gradients and the loss in single precision as ours does; its logits are in bf16.
    """
    torch.backends.cuda.matmul.allow_tf32 = entry["dtype"] == "tf32"
    sizes, batch = entry["layers"], entry["rows"]
    layers = []
    for i, o in zip(sizes, sizes[1:]):
        layers += [torch.nn.Linear(i, o), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1]).to(peer_clock.DEVICE)
    optimizer = torch.optim.SGD(model.parameters(), LEARNING_RATE, MOMENTUM, fused=peer == "torch.compile" or None)
    images, teacher = uniform(batch, sizes[0]).abs(), uniform(batch, sizes[-1], limit=8.0)
    labels = torch.randint(sizes[-1], (batch,), device=peer_clock.DEVICE)

    def objective(model, images, teacher, labels):
        mixed = entry["dtype"] == "bfloat16" and images.dtype != torch.float64
        with torch.autocast(peer_clock.DEVICE, torch.bfloat16, enabled=mixed):
            logits = model(images)
        return loss(logits, teacher, labels)

    forward = compiled(peer, lambda: objective(model, images, teacher, labels), mode="reduce-overhead")
    for parameter in model.parameters():  # here, so that none lies in the memory of a recorded graph, which its next replay takes back
        optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    update = optimizer.step if "optimizer" not in peer else torch.compile(lambda: optimizer.step(), mode="reduce-overhead")

    def run():
        if peer != "torch.eager":
            torch.compiler.cudagraph_mark_step_begin()
        optimizer.zero_grad(set_to_none=True)
        forward().backward()
        update()

    # One step against double precision, in norms, as StepCheck.cs does it.
    exact = copy.deepcopy(model).double()
    objective(exact, images.double(), teacher.double(), labels).backward()
    run()
    allowed = {"bfloat16": 2e-1, "tf32": 6e-2}.get(entry["dtype"], 1e-2)
    for parameter, start in zip(model.parameters(), exact.parameters()):
        way = -LEARNING_RATE * start.grad
        require((parameter.double() - start - way).norm() <= allowed * way.norm() + 1e-7 * start.norm(), "step")
    return measure(run, wall=True)


# Products and dense layers


def require_product(actual, left, right, finish, dtype, unit=0.0):
    """The first rows against double precision."""
    left, right = left[:8].double(), right.double()
    terms = left.shape[1]
    error = terms / 2**23 + (1e-3 if dtype == "tf32" else 0)
    if dtype == "bfloat16":  # cuBLAS may split the terms, and round the parts' sums to bf16, which are as large as the root of their terms
        error += 2 / 256 / terms**0.5
    expected = finish(left @ right)
    require(((actual[:8].double() - expected).abs() <= error * (left.abs() @ right.abs()) + (unit + 2**-23) * expected.abs()).all(), "product")


def time_product(entry, peer):
    """torch.matmul in the same type; factors lie in memory as ours do, and are transposed as views."""
    rows, columns, terms, tf32 = entry["rows"], entry["columns"], entry["terms"], entry["dtype"] == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = tf32
    dtype = torch.float32 if tf32 else getattr(torch, entry["dtype"])
    shaped = lambda rows, columns, transposed: uniform(columns, rows, dtype=dtype).T if transposed else uniform(rows, columns, dtype=dtype)

    def make():
        return shaped(rows, terms, entry["transposeLeft"]), shaped(terms, columns, entry["transposeRight"]), uniform(rows, columns, dtype=dtype)

    run = lambda left, right, result: torch.matmul(left, right, out=result)
    sets = sets_of(torch.finfo(dtype).bits // 8 * (rows * terms + terms * columns + rows * columns), make)
    run(*sets[0])
    left, right, result = sets[0]
    require_product(result, left, right, lambda x: x, entry["dtype"], 1 / 256 if dtype == torch.bfloat16 else 0.0)
    return measure_in_turns(run, sets)


def time_dense(entry, peer):
    """The passes by themselves; gradients of weights and biases end in single precision, as an optimizer takes them."""
    batch, inputs, outputs, which = entry["rows"], entry["terms"], entry["columns"], entry["pass"]
    torch.backends.cuda.matmul.allow_tf32 = entry["dtype"] == "tf32"
    dtype = torch.bfloat16 if entry["dtype"] == "bfloat16" else torch.float32
    size, unit = torch.finfo(dtype).bits // 8, 1 / 256 if dtype == torch.bfloat16 else 0.0
    passes = {
        "forward": lambda x, w, b, g: torch.relu(torch.addmm(b, x, w)),
        "backward input": lambda x, w, b, g: (g @ w.T) * (x > 0),
        "backward weights": lambda x, w, b, g: ((x.T @ g).float(), g.sum(0).float()),
    }
    run = compiled(peer, passes[which])
    drawn = lambda *shape: uniform(*shape, dtype=dtype)
    make = lambda: (drawn(batch, inputs).relu(), drawn(inputs, outputs), drawn(outputs), drawn(batch, outputs))
    sets = sets_of(size * (batch * inputs + inputs * outputs + batch * outputs), make)
    (x, w, b, g), result = sets[0], run(*sets[0])
    if which == "forward":
        require_product(result, x, w, lambda sums: (sums + b).relu(), entry["dtype"], unit)
    elif which == "backward input":
        require_product(result, g, w.T, lambda sums: sums * (x[:8] > 0), entry["dtype"], unit)
    else:
        require_product(result[0], x.T, g, lambda sums: sums, entry["dtype"], unit)
    return measure_in_turns(run, sets)


KINDS = {
    "loss": (time_loss, ("torch.eager", "torch.compile")),
    "step": (time_step, ("torch.eager", "torch.compile", "torch.compile with the optimizer")),
    "product": (time_product, ("torch.matmul",)),
    "dense": (time_dense, ("torch.eager", "torch.compile")),
}


def has_peer(entry):
    # Gathered rows, steps submitted launch by launch and tiles of warps where others are the fastest are ours alone; PyTorch is timed beside
    # the same work without them.
    return not entry.get("gathered") and entry.get("submission") != "launch by launch" and not entry["work"].endswith(", by warps")


def side_by_side(entry, peer, time_peer):
    row = {key: entry.get(key) for key in ("work", "dtype")}
    row.update(peer=peer, peerUs=None, oursUs=entry.get("oursUs"), ratio=None, shareOfCopyBandwidth=entry.get("shareOfCopyBandwidth"))
    failures = ["ours: " + entry["failure"]] if "failure" in entry else []
    try:
        seconds, host = time_peer(entry, peer)
        row.update(peerUs=seconds * 1e6, peerHostUs=host * 1e6, oursHostUs=entry.get("hostUs"))
    except Exception as exception:  # whatever it is, it costs this row alone
        text = " ".join(str(exception).split())
        failures.append(f"{peer}: {type(exception).__name__}: {text if len(text) <= 900 else text[:400] + ' ... ' + text[-500:]}")
    if failures:
        row["failure"] = "; ".join(failures)
        return row
    row["ratio"] = row["peerUs"] / row["oursUs"]
    if entry.get("teraFlops"):
        row.update(teraFlops=entry["teraFlops"], peerTeraFlops=entry["teraFlops"] * row["oursUs"] / row["peerUs"])
    if peer == "torch.matmul":
        row["shareOfCublas"] = row["ratio"]
    return row


def describe(row):
    name = f"{row['work']} {row['dtype']}, {row['peer']}"
    if "failure" in row:
        return f"{name}: FAILED: {row['failure']}"
    return f"{name}: {row['peerUs']:.1f} us, host {row['peerHostUs']:.1f} us; ours {row['oursUs']:.1f} us, ratio {row['ratio']:.2f}"


def write(path, rows):
    with open(path + ".new", "w") as file:
        json.dump(rows, file, indent=2)
    os.replace(path + ".new", path)  # so that no reader finds half a file


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ours")
    parser.add_argument("result")
    parser.add_argument("kinds", nargs="*", metavar="kind", help=", ".join(KINDS) + "; all if none is named")
    parser.add_argument("--filter", default="", metavar="TEXT", help="only work whose name contains this text")
    parser.add_argument("--dry-run", action="store_true")
    arguments = parser.parse_args()
    unknown = set(arguments.kinds) - set(KINDS)
    if unknown:
        parser.error("no such kind: " + ", ".join(sorted(unknown)))
    peer_clock.DEVICE = "cpu" if arguments.dry_run else "cuda"
    torch.manual_seed(3)
    print("CPU" if arguments.dry_run else torch.cuda.get_device_name(), "torch", torch.__version__, flush=True)
    with open(arguments.ours) as file:
        ours = json.load(file)
    rows = []
    if os.path.exists(arguments.result):
        with open(arguments.result) as file:
            rows = json.load(file)
    failures = 0
    for kind in arguments.kinds or KINDS:
        time_peer, peers = KINDS[kind]
        for entry in (e for e in ours if e["kind"] == kind and has_peer(e) and arguments.filter.lower() in e["work"].lower()):
            for peer in peers:
                if peer_clock.DEVICE == "cuda":
                    torch.cuda.empty_cache()
                torch._dynamo.reset()
                row = side_by_side(entry, peer, time_peer)
                failures += "failure" in row
                print(describe(row), flush=True)
                key = lambda row: (row["work"], row["dtype"], row["peer"])
                rows = [old for old in rows if key(old) != key(row)] + [row]
                write(arguments.result, rows)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
