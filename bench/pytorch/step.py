#!/usr/bin/env python3
"""One adversarial training step in PyTorch on the CPU: the peer of `temper-bench step`, with the same options and output.

ResNet-18 (CIFAR form) or small_cnn, CIFAR-10 shapes, PGD with running BatchNorm statistics and gradients with respect to the images
only, SGD with momentum. Eager mode, channels_last. bf16 is autocast: what PyTorch recommends on a CPU.
"""
import argparse
import json
import resource
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, c, k, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(c, k, 3, stride, 1, bias=False), nn.BatchNorm2d(k)
        self.conv2, self.bn2 = nn.Conv2d(k, k, 3, 1, 1, bias=False), nn.BatchNorm2d(k)
        self.shortcut = None
        if stride != 1 or c != k:
            self.shortcut = nn.Sequential(nn.Conv2d(c, k, 1, stride, bias=False), nn.BatchNorm2d(k))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)), inplace=True)))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)), inplace=True)


class ResNet18(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64)
        blocks, c = [], 64
        for k, stride in [(64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)]:
            blocks.append(Block(c, k, stride))
            c = k
        self.blocks, self.linear = nn.Sequential(*blocks), nn.Linear(c, 10)

    def forward(self, x):
        return self.linear(self.blocks(F.relu(self.bn1(self.conv1(x)), inplace=True)).mean((2, 3)))


class SmallCnn(nn.Module):
    def __init__(self):
        super().__init__()
        layers, c = [], 3
        for k, stride in [(16, 1), (32, 1), (32, 2), (64, 1), (64, 2)]:
            layers += [nn.Conv2d(c, k, 3, stride, 1, bias=False), nn.BatchNorm2d(k), nn.ReLU(inplace=True)]
            c = k
        self.layers, self.linear = nn.Sequential(*layers), nn.Linear(c, 10)

    def forward(self, x):
        return self.linear(self.layers(x).mean((2, 3)))


MODELS = {"resnet18": ResNet18, "small_cnn": SmallCnn}


class Step:
    def __init__(self, args):
        self.args = args
        torch.manual_seed(0)
        self.net = MODELS[args.model]().to(memory_format=torch.channels_last)
        self.x = torch.rand(args.batch, 3, 32, 32).to(memory_format=torch.channels_last)
        self.y = torch.randint(0, 10, (args.batch,))
        self.optimizer = torch.optim.SGD(self.net.parameters(), 0.01, momentum=0.9, weight_decay=5e-4)
        self.seconds = {"attack": 0.0, "forward": 0.0, "backward": 0.0, "update": 0.0}

    def logits(self, x):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.args.compute == "bf16"):
            z = self.net(x)
        return z.float()

    def attack(self, objective):
        radius, step, x = 8 / 255, 2 / 255, self.x
        adv = (x + torch.empty_like(x).uniform_(-radius, radius)).clamp_(0, 1)
        for _ in range(self.args.attack_steps):
            adv.requires_grad_()
            (g,) = torch.autograd.grad(objective(self.logits(adv)), adv)
            with torch.no_grad():
                adv = torch.minimum(torch.maximum(adv + step * g.sign(), x - radius), x + radius).clamp_(0, 1)
        return adv.detach()

    def __call__(self):
        method, clock = self.args.method, time.perf_counter
        self.seconds = dict.fromkeys(self.seconds, 0.0)
        start = clock()
        adv = self.x
        if method != "standard":
            self.net.eval()
            if method == "trades":
                with torch.no_grad():
                    target = F.softmax(self.logits(self.x), 1)
                adv = self.attack(lambda z: F.kl_div(F.log_softmax(z, 1), target, reduction="sum"))
            else:
                adv = self.attack(lambda z: F.cross_entropy(z, self.y, reduction="sum"))
        attacked = clock()
        self.net.train()
        self.optimizer.zero_grad(set_to_none=True)
        if method == "trades":
            natural, robust = self.logits(self.x), self.logits(adv)
            loss = F.cross_entropy(natural, self.y) + 6 * F.kl_div(
                F.log_softmax(robust, 1), F.softmax(natural, 1), reduction="batchmean")
        else:
            loss = F.cross_entropy(self.logits(adv), self.y)
        forwarded = clock()
        loss.backward()
        backwarded = clock()
        self.optimizer.step()
        end = clock()
        self.seconds = {"attack": attacked - start, "forward": forwarded - attacked,
                        "backward": backwarded - forwarded, "update": end - backwarded}
        return end - start


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--model", default="resnet18", choices=sorted(MODELS))
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--method", default="pgd_at", choices=["standard", "pgd_at", "trades"])
    p.add_argument("--attack-steps", type=int, default=10)
    p.add_argument("--compute", default="f32", choices=["f32", "bf16"])
    p.add_argument("--threads", type=int, default=torch.get_num_threads())
    p.add_argument("--repeat", type=int, default=5)
    p.add_argument("--json", default="")
    args = p.parse_args()
    torch.set_num_threads(args.threads)

    step = Step(args)
    step()  # warm-up
    rates, splits = [], []
    for _ in range(args.repeat):
        before = time.process_time()
        rates.append(args.batch / step())
        splits.append(step.seconds | {"cpu": time.process_time() - before})
    result = {
        "framework": "pytorch", "model": args.model, "method": args.method, "batch": args.batch,
        "attack_steps": args.attack_steps, "compute": args.compute, "threads": args.threads, "repeat": args.repeat,
        "images_per_second": statistics.median(rates), "images_per_second_min": min(rates),
        "images_per_second_max": max(rates),
        "seconds": {k: statistics.median(s[k] for s in splits) for k in splits[0]},
        "memory": {"process_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024},
        "versions": {"torch": torch.__version__, "python": sys.version.split()[0]},
    }
    text = json.dumps(result, indent=2)
    print(text)
    if args.json:
        with open(args.json, "w") as f:
            f.write(text + "\n")


if __name__ == "__main__":
    main()
