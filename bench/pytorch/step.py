#!/usr/bin/env python3
"""One adversarial training step in PyTorch: the peer of `temper-bench step`, with the same shapes, methods and radius.

The attack runs on running BatchNorm statistics and differentiates the images only (torch.autograd.grad with respect to
them, parameters without gradients), as a careful user of PyTorch writes it. bf16 is autocast, which is what PyTorch
recommends. Variants: eager, channels_last, compiled (torch.compile; on a CPU it needs a C++ compiler), graphed (CUDA
graphs of the attack's iteration, on a GPU). A variant that cannot run here says why and ends with exit code 77.
"""
import argparse
import copy
import json
import resource
import statistics
import sys
import time

import torch
import torch._functorch.config
import torch.nn.functional as F

from models import MODELS

SKIPPED = 77
BETA, GAMMA, ALPHA, PERCENTILE, REVISE, DECAY = 1.0, 1.0, 0.1, 30.0, 0.2, 0.999  # CURE, as Temper's defaults have it


def kl(target_logits, logits, reduction="batchmean"):
    """KL(softmax(target) || softmax(logits)), differentiable on both sides."""
    return F.kl_div(F.log_softmax(logits, 1), F.log_softmax(target_logits, 1), log_target=True, reduction=reduction)


class Graphed:
    """fn(*inputs), replayed from a CUDA graph. Inputs and result keep their memory."""

    def __init__(self, fn, inputs):
        self.inputs = [x.clone() for x in inputs]
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                fn(*self.inputs)
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.result = fn(*self.inputs)

    def __call__(self, *inputs):
        for mine, given in zip(self.inputs, inputs):
            mine.copy_(given)
        self.graph.replay()
        return self.result


class Step:
    def __init__(self, args):
        self.args, self.device = args, torch.device(args.device)
        torch.manual_seed(0)
        layout = torch.contiguous_format if args.variant == "eager" else torch.channels_last
        build, image = MODELS[args.model]
        self.net = build().to(self.device, memory_format=layout)
        self.reviewer = copy.deepcopy(self.net).requires_grad_(False) if args.method == "cure" else None
        self.x = torch.rand(args.batch, *image, device=self.device).to(memory_format=layout)
        self.y = torch.randint(0, 10, (args.batch,), device=self.device)
        self.optimizer = torch.optim.SGD(self.net.parameters(), 0.01, momentum=0.9, weight_decay=5e-4)
        # CURE differentiates one recording several times, which donated buffers forbid.
        torch._functorch.config.donated_buffer = args.method != "cure"
        self.forward = torch.compile(self.net) if args.variant == "compiled" else self.net
        self.iterate, self.seconds = None, {}

    def logits(self, x, net=None):
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.args.compute == "bf16"):
            z = (net or self.forward)(x)
        return z.float()

    def iteration(self, adv, target):
        """One step of PGD; `target` is the labels or, where the attack ascends a KL divergence, the clean logits."""
        radius, step = self.args.radius, self.args.radius / 4
        adv = adv.detach().requires_grad_()
        z = self.logits(adv)
        objective = kl(target, z, "sum") if target.is_floating_point() else F.cross_entropy(z, target, reduction="sum")
        (g,) = torch.autograd.grad(objective, adv)
        with torch.no_grad():
            return torch.minimum(torch.maximum(adv + step * g.sign(), self.x - radius), self.x + radius).clamp_(0, 1)

    def attack(self):
        if self.args.method == "standard":
            return self.x
        self.net.eval()
        for p in self.net.parameters():
            p.requires_grad_(False)  # nothing is saved for weight gradients
        if self.args.method == "pgd_at":
            target = self.y
            adv = (self.x + torch.empty_like(self.x).uniform_(-self.args.radius, self.args.radius)).clamp_(0, 1)
        else:
            with torch.no_grad():
                target = self.logits(self.x)
            adv = self.x + 0.001 * torch.randn_like(self.x)
        if self.iterate is None:
            graphed = self.args.variant == "graphed"
            self.iterate = Graphed(self.iteration, [adv, target]) if graphed else self.iteration
        for _ in range(self.args.attack_steps):
            adv = self.iterate(adv, target)
        for p in self.net.parameters():
            p.requires_grad_(True)
        self.net.train()
        return adv.detach().clone()

    def gradients(self, adv):
        self.optimizer.zero_grad(set_to_none=True)
        method = self.args.method
        if method == "cure":
            return self.cure_gradients(adv)
        if method == "trades":
            natural, robust = self.logits(self.x), self.logits(adv)
            loss = F.cross_entropy(natural, self.y) + 6 * kl(natural, robust)
        else:
            loss = F.cross_entropy(self.logits(adv), self.y)
        loss.backward()
        return loss

    def cure_gradients(self, adv):
        """CURE (ICLR 2024): scores from the gradients of both cross entropies, the lower 30 % of each tensor masked."""
        params = list(self.net.parameters())
        natural, robust = self.logits(self.x), self.logits(adv)
        with torch.no_grad():
            review_natural, review_robust = self.logits(self.x, self.reviewer), self.logits(adv, self.reviewer)
        clean = F.cross_entropy(natural, self.y)
        g_natural = torch.autograd.grad(clean, params, retain_graph=True)
        g_robust = torch.autograd.grad(F.cross_entropy(robust, self.y), params, retain_graph=True)
        rest = BETA * kl(natural, robust) + GAMMA * (kl(review_natural, natural) + kl(review_robust, robust))
        g_rest = torch.autograd.grad(rest, params)
        for p, a, b, r in zip(params, g_natural, g_robust, g_rest):
            p.grad = a + r
            if p.dim() != 2 and p.shape[0] != 10:  # the classifier is never masked
                score = (ALPHA * a.abs() + (1 - ALPHA) * b.abs()).flatten()
                rank = max(1, round(score.numel() * PERCENTILE / 100))
                p.grad *= (score >= score.kthvalue(rank).values).view_as(p)
        return clean + rest

    def update(self):
        self.optimizer.step()
        if self.reviewer is not None and torch.rand(()) < REVISE:
            with torch.no_grad():
                for mine, new in zip(self.reviewer.parameters(), self.net.parameters()):
                    mine.lerp_(new, 1 - DECAY)

    def __call__(self):
        def clock():
            if self.device.type == "cuda":
                torch.cuda.synchronize()
            return time.perf_counter()

        start = clock()
        adv = self.attack()
        attacked = clock()
        self.gradients(adv).item()
        differentiated = clock()
        self.update()
        end = clock()
        self.seconds = {"attack": attacked - start, "gradients": differentiated - attacked, "update": end - differentiated}
        return end - start


def skip(why):
    print(f"SKIPPED: {why}", file=sys.stderr)
    sys.exit(SKIPPED)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", default="resnet18", choices=sorted(MODELS))
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--method", default="pgd_at", choices=["standard", "pgd_at", "trades", "cure"])
    p.add_argument("--attack-steps", type=int, default=10)
    p.add_argument("--radius", type=float, default=8 / 255)
    p.add_argument("--compute", default="f32", choices=["f32", "bf16"])
    p.add_argument("--variant", default="channels_last", choices=["eager", "channels_last", "compiled", "graphed"])
    p.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    p.add_argument("--threads", type=int, default=torch.get_num_threads())
    p.add_argument("--repeat", type=int, default=5)
    p.add_argument("--json", default="")
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    if args.device == "cuda" and not torch.cuda.is_available():
        skip("there is no GPU")
    if args.variant == "graphed" and args.device != "cuda":
        skip("CUDA graphs need a GPU")

    step = Step(args)
    try:
        step()  # warm-up
    except Exception as e:  # what torch.compile raises without a compiler depends on its version
        if args.variant in ("compiled", "graphed"):
            skip(f"{args.variant}: {type(e).__name__}: {str(e).splitlines()[0]}")
        raise
    seconds, splits = [], []
    for _ in range(args.repeat):
        before = time.process_time()
        seconds.append(step())
        splits.append(step.seconds | {"cpu": time.process_time() - before})
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    memory = {"process_peak_mb": peak}
    if args.device == "cuda":
        memory["device_peak_mb"] = torch.cuda.max_memory_allocated() / 2**20
    result = {
        "framework": "pytorch", "model": args.model, "method": args.method, "batch": args.batch,
        "attack_steps": args.attack_steps, "compute": args.compute, "variant": args.variant, "device": args.device,
        "threads": args.threads, "samples": seconds, "cpu_seconds": statistics.median(s["cpu"] for s in splits),
        "phases": {k: statistics.median(s[k] for s in splits) for k in splits[0] if k != "cpu"}, "memory": memory,
        "versions": {"torch": torch.__version__, "python": sys.version.split()[0]},
    }
    text = json.dumps(result, indent=1)
    if args.json:
        with open(args.json, "w") as f:
            f.write(text + "\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
