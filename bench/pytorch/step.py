#!/usr/bin/env python3
"""One adversarial training step in PyTorch: the peer of `temper-bench step`, with the same shapes, methods and radius.

The attack runs on running BatchNorm statistics and differentiates the images only (torch.autograd.grad with respect to
them, parameters without gradients), as a careful user of PyTorch writes it. bf16 and f16 are autocast, which is what
PyTorch recommends, f16 with losses 1024 times as large. On a GPU cuDNN may try its algorithms (cudnn.benchmark), and f32
is multiplied as f32 unless --compute tf32 says otherwise: what was set stands in the result. Variants:
  eager            as it is written
  channels_last    with images and filters as NHWC
  compiled         torch.compile; on a CPU it needs a C++ compiler
  reduce_overhead  torch.compile(mode="reduce-overhead"): its own CUDA graphs; on a GPU
  graphed          the whole step as one CUDA graph, captured by hand; on a GPU; standard, pgd_at,
                   trades and mart
All but eager are channels_last. The first steps (--warm-up), which compile and choose, are not timed; how long they took
stands in the result. The result is written after every step. A variant that cannot run here says why and ends with exit
code 77.
"""
import argparse
import contextlib
import json
import os
import resource
import statistics
import sys
import time

import torch
import torch._functorch.config
import torch.nn.functional as F

from methods import METHODS, awp_gradients, kl
from models import MODELS

SKIPPED = 77
COMPUTES = {"f32": None, "tf32": None, "bf16": torch.bfloat16, "f16": torch.float16}  # what autocast computes in
VARIANTS = ["eager", "channels_last", "compiled", "reduce_overhead", "graphed"]
LOSS_SCALE = 1024


def set_math(compute):
    """Multiplies f32 as f32, or rounded to TF32, everywhere; what is in force then."""
    tf32 = compute == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True
    return {"cuda.matmul.allow_tf32": torch.backends.cuda.matmul.allow_tf32,
            "cudnn.allow_tf32": torch.backends.cudnn.allow_tf32, "cudnn.benchmark": torch.backends.cudnn.benchmark,
            "autocast": str(COMPUTES[compute]), "loss_scale": LOSS_SCALE if compute == "f16" else 1}


class Graph:
    """A step, replayed from a CUDA graph."""

    def __init__(self, step):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                step()
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.loss = step()

    def __call__(self):
        self.graph.replay()
        return self.loss


class Step:
    def __init__(self, args):
        self.args, self.device = args, torch.device(args.device)
        torch.manual_seed(0)
        layout = torch.contiguous_format if args.variant == "eager" else torch.channels_last
        build, image = MODELS[args.model]
        self.net = build().to(self.device, memory_format=layout)
        self.x = torch.rand(args.batch, *image, device=self.device).to(memory_format=layout)
        self.y = torch.randint(0, 10, (args.batch,), device=self.device)
        self.optimizer = torch.optim.SGD(self.net.parameters(), 0.01, momentum=0.9, weight_decay=5e-4)
        # CURE differentiates one recording several times, which donated buffers forbid.
        torch._functorch.config.donated_buffer = args.method != "cure"
        self.scale = LOSS_SCALE if args.compute == "f16" else 1
        mode = {"compiled": "default", "reduce_overhead": "reduce-overhead"}.get(args.variant)
        self.forward = torch.compile(self.net, mode=mode) if mode else self.net
        self.graph, self.seconds = None, {}
        self.method = METHODS[args.method](self)

    def logits(self, x, net=None):
        dtype = COMPUTES[self.args.compute]
        with torch.autocast(self.device.type, dtype=dtype, enabled=dtype is not None):
            z = (net or self.forward)(x)
        return z.float()

    def moved(self, adv, gradient, clean, radius=None, step=None):
        """`adv` after a step along the gradient's sign, in the ball around `clean` and in [0, 1]."""
        radius = self.args.radius if radius is None else radius
        step = self.args.radius / 4 if step is None else step
        return torch.minimum(torch.maximum(adv + step * gradient.sign(), clean - radius), clean + radius).clamp_(0, 1)

    def iteration(self, adv, clean, target, radius=None, step=None):
        """One step of PGD; `target` is the labels or, where the attack ascends a KL divergence, the clean logits."""
        if self.args.variant == "reduce_overhead":
            torch.compiler.cudagraph_mark_step_begin()
        adv = adv.detach().requires_grad_()
        z = self.logits(adv)
        objective = kl(target, z, "sum") if target.is_floating_point() else F.cross_entropy(z, target, reduction="sum")
        (g,) = torch.autograd.grad(objective * self.scale, adv)
        with torch.no_grad():
            return self.moved(adv, g, clean, radius, step)

    @contextlib.contextmanager
    def attacked_network(self):
        """Running statistics, and nothing saved for gradients of weights."""
        self.net.eval().requires_grad_(False)
        yield
        self.net.train().requires_grad_(True)

    def attack(self):
        with self.attacked_network():
            return self.method.attack().detach().clone()

    def gradients(self, adv):
        self.optimizer.zero_grad(set_to_none=True)
        if self.args.variant == "reduce_overhead":
            torch.compiler.cudagraph_mark_step_begin()
        loss = awp_gradients(self.method, adv) if self.args.awp else self.method.gradients(adv)
        if self.scale != 1 and self.args.method != "cure":
            torch._foreach_div_([p.grad for p in self.net.parameters()], self.scale)
        return loss

    def update(self):
        self.optimizer.step()
        self.method.after()

    def whole(self):
        """The step from end to end, without anybody waiting for the device; its loss."""
        loss = self.gradients(self.attack())
        self.update()
        return loss

    def clock(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    def __call__(self):
        """Makes a step, until its loss is known and the device is done; seconds."""
        if self.args.variant == "graphed" and self.graph is None:
            self.graph = Graph(self.whole)
        start = self.clock()
        (self.graph or self.whole)().item()
        return self.clock() - start

    def phases(self):
        """A step whose parts are waited for, and so a little slower; their seconds. Of a graph there are no parts."""
        if self.graph:
            return {}
        times = [self.clock()]
        adv = self.attack()
        times.append(self.clock())
        self.gradients(adv)
        times.append(self.clock())
        self.update()
        times.append(self.clock())
        return dict(zip(("attack", "gradients", "update"), (b - a for a, b in zip(times, times[1:]))))


def save(result, file):
    """At any moment, and after a kill, the file is there whole."""
    text = json.dumps(result, indent=1) + "\n"
    with open(file + ".part", "w") as f:
        f.write(text)
    os.replace(file + ".part", file)


def skip(why):
    print(f"SKIPPED: {why}", file=sys.stderr)
    sys.exit(SKIPPED)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", default="resnet18", choices=sorted(MODELS))
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--method", default="pgd_at", choices=sorted(METHODS))
    p.add_argument("--awp", action="store_true", help="adversarial weight perturbation around the method")
    p.add_argument("--attack-steps", type=int, default=10)
    p.add_argument("--radius", type=float, default=8 / 255)
    p.add_argument("--compute", default="f32", choices=sorted(COMPUTES))
    p.add_argument("--variant", default="channels_last", choices=VARIANTS)
    p.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    p.add_argument("--threads", type=int, default=torch.get_num_threads())
    p.add_argument("--warm-up", type=int, default=0, help="steps before the timed ones; 0: 1 on a CPU, 5 on a GPU")
    p.add_argument("--repeat", type=int, default=5, help="timed steps")
    p.add_argument("--json", default="")
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    if args.device == "cuda" and not torch.cuda.is_available():
        skip("there is no GPU")
    if args.variant in ("graphed", "reduce_overhead") and args.device != "cuda":
        skip("CUDA graphs need a GPU")
    if args.variant == "graphed" and not METHODS[args.method].graphed:
        skip(f"the host has decisions to make in a step of {args.method}")

    result = {
        "framework": "pytorch", "model": args.model, "method": args.method, "awp": args.awp, "batch": args.batch,
        "attack_steps": args.attack_steps, "compute": args.compute, "variant": args.variant, "device": args.device,
        "threads": args.threads, "math": set_math(args.compute), "samples": [], "complete": False,
        "versions": {"torch": torch.__version__, "python": sys.version.split()[0], "cuda": torch.version.cuda,
                     "cudnn": torch.backends.cudnn.version()},
    }
    if args.device == "cuda":
        result["gpu"] = torch.cuda.get_device_name()
    step = Step(args)
    warm_up = args.warm_up or (5 if args.device == "cuda" else 1)
    start = time.perf_counter()
    try:
        for _ in range(warm_up):
            step()
    except Exception as e:  # what torch.compile raises without a compiler depends on its version
        if args.device == "cpu" and args.variant == "compiled":
            skip(f"{args.variant}: {type(e).__name__}: {str(e).splitlines()[0]}")
        raise
    result["warm_up"] = {"steps": warm_up, "seconds": time.perf_counter() - start}
    cpu = []
    for i in range(args.repeat):
        before = time.process_time()
        result["samples"].append(step())
        cpu.append(time.process_time() - before)
        result["cpu_seconds"] = statistics.median(cpu)
        result["memory"] = {"process_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
        if args.device == "cuda":
            result["memory"]["device_peak_mb"] = torch.cuda.max_memory_allocated() / 2**20
            result["memory"]["device_reserved_mb"] = torch.cuda.max_memory_reserved() / 2**20
        if args.json:
            save(result, args.json)
    result["phases"] = step.phases()
    result["complete"] = True
    if args.json:
        save(result, args.json)
    else:
        print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
