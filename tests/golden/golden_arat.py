"""Ten training steps of AR-AT and its variants in PyTorch: what tests/trainers/methods/golden_arat_test.cpp compares against.

Written from the method's description, independent of the C++ code but for the random starts (golden_training.py writes
their generator again in NumPy). Everything is computed in f64; the same runs in f32 are only compared with that, to see
how far single precision alone carries. Writes golden_arat.npz beside this file.

    python3 tests/golden/golden_arat.py
"""
import copy

import numpy as np
import torch
import torch.nn.functional as F

from golden_training import (BATCH, BATCHES, CHANNELS, CLASSES, SEED, STRIDES, WIDTHS, ascend, image_noise, make_data,
                             nhwc, write)

STEPS, LR, MOMENTUM, WEIGHT_DECAY = 10, 0.02, 0.9, 5e-4
RADIUS, STEP, ATTACK_STEPS = 8 / 255, 2 / 255, 5
LAYERS = ("bn2.relu", "bn3.relu")
HEADS = LAYERS + tuple(layer + ".clean" for layer in LAYERS)

# What each run changes. a: a fixed weight, or None for the clean branch's accuracy to the power `exponent`; u: the clean
# images' weight, likewise. average: steps between samples, and how they are counted.
DEFAULTS = dict(shared=False, alias=False, attack_bn="train", a=None, u="power", exponent=1, lam=30.0,
                gradient="adversarial", predictor="adversarial", heads="own", metric="cosine", temperature=1.0,
                kl_factor=True, average=None)
RUNS = {
    "paper": dict(average=(4, "done", "estimate")),
    "noise_alias": dict(alias=True, a=0.25, average=(3, "ahead", "estimate_all")),
    "shared_bn": dict(shared=True, a=0.5, lam=5.0),
    "attack_eval": dict(attack_bn="eval", exponent=2),
    "complement": dict(attack_bn="no_update", exponent=2, u="complement"),
    "given": dict(a=1.0, u=0.75),
    "clean_side": dict(gradient="clean", predictor="clean", a=0.5),
    "clean_both": dict(gradient="clean", predictor="both", a=0.5),
    "both_sides": dict(gradient="both", predictor="both", a=0.5),
    "both_one_head": dict(gradient="both", predictor="clean", a=0.5),
    "shared_heads": dict(gradient="both", predictor="both", heads="shared", a=0.5),
    "target_predicted": dict(predictor="both", a=0.5),
    "symmetric": dict(gradient="symmetric", predictor="none", a=0.5),
    "mse": dict(metric="mse", a=0.5),
    "symmetric_predicted": dict(gradient="symmetric", predictor="both", heads="shared", a=0.5),
    "kl": dict(metric="kl", temperature=2.0, predictor="clean", a=0.5),
    "kl_plain": dict(metric="kl", temperature=2.0, kl_factor=False, a=0.5),
}
WITH_GRADIENTS = ("paper", "both_sides", "symmetric", "kl")  # runs whose first gradients are kept, too


class Net(torch.nn.Module):
    """Convolutions and the linear layer serve both kinds of image; each has BatchNorms of its own."""

    def __init__(self):
        super().__init__()
        channels = CHANNELS
        for i, (width, stride) in enumerate(zip(WIDTHS, STRIDES), start=1):
            setattr(self, f"conv{i}", torch.nn.Conv2d(channels, width, 3, stride, 1, bias=False))
            setattr(self, f"bn{i}", torch.nn.BatchNorm2d(width))
            getattr(self, f"bn{i}").clean = torch.nn.BatchNorm2d(width)
            channels = width
        self.linear = torch.nn.Linear(channels, CLASSES)

    def forward(self, x, clean):
        features = []
        for i in range(1, len(WIDTHS) + 1):
            bn = getattr(self, f"bn{i}")
            x = getattr(self, f"conv{i}")(x)
            # BatchNorm2d's own arithmetic, of the branch that is meant.
            x = F.relu(torch.nn.BatchNorm2d.forward(bn.clean if clean else bn, x))
            features.append(x.mean((2, 3)))
        return self.linear(features[-1]), features[1:]


def predictor(width):
    hidden = width // 4
    return torch.nn.Sequential(torch.nn.Linear(width, hidden, bias=False), torch.nn.BatchNorm1d(hidden), torch.nn.ReLU(),
                               torch.nn.Linear(hidden, width))


def make_world():
    images, labels, _, state = make_data()
    pixels = (images * 255).round().to(torch.uint8)
    torch.manual_seed(SEED + 1)
    net, heads = Net(), [predictor(w) for w in WIDTHS[1:]]
    net.load_state_dict(state, strict=False)
    with torch.no_grad():
        for name, p in net.named_parameters():
            if ".clean." in name:
                p.add_(0.3 * torch.randn(p.shape))
    clean_heads = [predictor(w) for w in WIDTHS[1:]]
    return pixels, labels, net.state_dict(), [h.state_dict() for h in heads + clean_heads]


def clean_accuracy(net, images, labels):
    net.eval()
    with torch.no_grad():
        hits = sum((net(x, clean=True)[0].argmax(1) == y).sum().item() for x, y in zip(images, labels))
    return hits / labels.numel()


def bns(net):
    return [getattr(net, f"bn{i}") for i in range(1, len(WIDTHS) + 1)]


def attack(net, x, y, ids, draw, o):
    """Returns what the rest of the step takes for the batch, and the adversarial images."""
    net.train(o["attack_bn"] != "eval")
    momentum = bns(net)[0].momentum
    if o["attack_bn"] == "no_update":  # batch statistics that are not tracked
        for bn in bns(net):
            bn.momentum = 0.0
    start = x + RADIUS * image_noise("uniform", ids, draw, x.dtype)  # not clipped
    center = start if o["alias"] else x
    x_adv = ascend(lambda z: net(z, clean=False)[0], start, center, lambda z: F.cross_entropy(z, y, reduction="sum"),
                   RADIUS, STEP, ATTACK_STEPS)
    for bn in bns(net):
        bn.momentum = momentum
    net.train()
    return center, x_adv


def distance(moved, target, o):
    if o["metric"] == "mse":
        return F.mse_loss(moved, target)
    if o["metric"] == "kl":
        t = o["temperature"]
        kl = F.kl_div(F.log_softmax(moved / t, dim=1), F.softmax(target / t, dim=1), reduction="batchmean")
        return t**2 * kl if o["kl_factor"] else kl
    return (1 - F.cosine_similarity(moved, target, dim=1)).mean()


def invariance(heads, adversarial, clean, o):
    """Where a side has a predictor it has its own, unless they share; stops are before it. Python takes the moved side
    first, so the statistics of a shared predictor see it first."""
    total, layers = 0, len(LAYERS)
    for i, (a, c) in enumerate(zip(adversarial, clean)):
        head_a = heads[i] if o["predictor"] in ("adversarial", "both") else lambda v: v
        own = o["predictor"] == "both" and o["heads"] == "own"
        head_c = heads[layers + i if own else i] if o["predictor"] in ("clean", "both") else lambda v: v
        total = total + {
            "adversarial": lambda: distance(head_a(a), head_c(c.detach()), o),
            "clean": lambda: distance(head_c(c), head_a(a.detach()), o),
            "both": lambda: (distance(head_a(a), c.detach(), o) + distance(head_c(c), a.detach(), o)) / 2,
            "symmetric": lambda: distance(head_a(a), head_c(c), o),
        }[o["gradient"]]()
    return total


class Average:
    """The mean of a network's weights, one sample after another, and the adversarial statistics that belong to it."""

    def __init__(self, net):
        self.net, self.count = copy.deepcopy(net), 0

    def add(self, net):
        with torch.no_grad():
            for mean, p in zip(self.net.parameters(), net.parameters()):
                mean += (p - mean) / (self.count + 1)
        self.count += 1

    def estimate(self, net, images, labels, draw, o):
        """One pass over adversarial images of the average; every image counts alike. The attack tracks nothing, or
        goes on with the share of the batch before, as a BatchNorm does whose momentum is set after the attack."""
        for mean, b in zip(self.net.buffers(), net.buffers()):
            mean.copy_(b)
        for b in range(BATCHES):
            ids = np.arange(b * BATCH, (b + 1) * BATCH)
            kept = copy.deepcopy(self.net.state_dict())
            _, x_adv = attack(self.net, images[b], labels[b], ids, draw, o)
            if o["average"][2] == "estimate":
                self.net.load_state_dict(kept)
            for bn in bns(self.net):
                bn.momentum = 1 / (b + 1)
            with torch.no_grad():
                self.net(x_adv, clean=False)
        return {k: v.numpy() for k, v in self.net.state_dict().items() if "num_batches" not in k}


def train(run, world, dtype):
    o = DEFAULTS | RUNS[run]
    pixels, labels, state, head_states = world
    images = pixels.to(dtype) / 255
    two = o["predictor"] == "both" and o["heads"] == "own"
    net, heads = Net().to(dtype), [predictor(w).to(dtype) for w in WIDTHS[1:] * (2 if two else 1)]
    net.load_state_dict(state)
    for head, head_state in zip(heads, head_states):
        head.load_state_dict(head_state)
        head.train()
    parts = {"net": net} if o["predictor"] == "none" else {"net": net, **dict(zip(HEADS, heads))}
    named = [(key, f"{part}.{name}" if part != "net" else name, p)
             for part, module in parts.items() for name, p in module.named_parameters()
             for key in (["predictor"] if part != "net" else ["net"])]
    optimizer = torch.optim.SGD([p for _, _, p in named], lr=LR, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    out, losses, terms, weights = {}, [], [], []
    w = np.float32(0.5 if o["a"] is None else o["a"])
    u = np.float32(1) - w if o["u"] in ("power", "complement") else np.float32(o["u"])
    average = Average(net)
    for step in range(STEPS):
        b, epoch = step % BATCHES, step // BATCHES + 1
        if b == 0 and o["a"] is None:
            a = clean_accuracy(net, images, labels)
            w = np.float32(a ** o["exponent"])
            u = np.float32((1 - a) ** o["exponent"]) if o["u"] == "power" else np.float32(1) - w
        ids = np.arange(b * BATCH, (b + 1) * BATCH)
        x, x_adv = attack(net, images[b], labels[b], ids, epoch, o)
        clean_logits, clean_features = net(x, clean=not o["shared"])
        adv_logits, adv_features = net(x_adv, clean=False)
        ce_adv, ce_clean = F.cross_entropy(adv_logits, labels[b]), F.cross_entropy(clean_logits, labels[b])
        inv = invariance(heads, adv_features, clean_features, o)
        # lambda / |S| for the sum over the layers S
        loss = float(w) * ce_adv + float(u) * ce_clean + o["lam"] / len(LAYERS) * inv
        optimizer.zero_grad()
        loss.backward()
        for _, _, p in named:
            if p.grad is None:
                p.grad = torch.zeros_like(p)  # weight decay acts on what no loss reaches, too
        if step == 0 and run in WITH_GRADIENTS:
            out |= {f"{run}/grad/{key}/{name}": p.grad.clone().numpy() for key, name, p in named}
        optimizer.step()
        losses.append(loss.item())
        terms.append([ce_adv.item(), ce_clean.item(), inv.item() / len(LAYERS)])
        weights.append([float(w), float(u)])
        if o["average"]:
            every, count, _ = o["average"]
            if (step + 1 if count == "done" else epoch * BATCHES + b) % every == 0:
                average.add(net)
    if o["average"]:
        out |= {f"{run}/swa/net/{k}": v for k, v in average.estimate(net, images, labels, epoch, o).items()}
    for part, module in parts.items():
        prefix = f"{run}/final/net/" if part == "net" else f"{run}/final/predictor/{part}."
        out |= {prefix + k: v.numpy() for k, v in module.state_dict().items() if "num_batches" not in k}
    return out | {f"{run}/losses": np.array(losses), f"{run}/terms": np.array(terms), f"{run}/weights": np.array(weights)}


def main():
    torch.use_deterministic_algorithms(True)
    world = make_world()
    pixels, labels, state, head_states = world
    keep = lambda d, prefix: {prefix + k: v.numpy() for k, v in d.items() if "num_batches" not in k}
    arrays = {"pixels": nhwc(pixels).numpy(), "labels": labels.int().numpy()} | keep(state, "init/net/")
    for layer, head_state in zip(HEADS, head_states):
        arrays |= keep(head_state, f"init/predictor/{layer}.")
    notes = [f"torch {torch.__version__}, numpy {np.__version__}, seed {SEED}; f32 differs from f64 by at most, relative:"]
    for run in RUNS:
        double, single = train(run, world, torch.float64), train(run, world, torch.float32)
        worst = {}
        for key, value in double.items():
            kind = "/".join(key.split("/")[1:3]) if key.count("/") > 2 else key.split("/")[1]
            difference = np.abs(single[key] - value).max() / max(1, np.abs(value).max())
            worst[kind] = max(worst.get(kind, 0), difference)
        notes.append(f"{run}: " + ", ".join(f"{k} {v:.1e}" for k, v in worst.items()))
        notes.append(f"  losses {np.array2string(double[run + '/losses'], precision=5)}")
        notes.append(f"  weights {double[run + '/weights'][::BATCHES].round(4).tolist()}")
        arrays |= double
    write(__file__, notes, arrays)


if __name__ == "__main__":
    main()
