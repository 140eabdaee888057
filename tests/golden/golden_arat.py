"""Ten training steps of AR-AT and its variants in PyTorch: what tests/golden_arat_test.cpp compares against.

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
AVERAGE_EVERY = 4  # steps
LAYERS = ("bn2.relu", "bn3.relu")

# What each run changes. a: a fixed weight, or None for the clean branch's accuracy to the power `exponent`.
DEFAULTS = dict(shared=False, alias=False, attack_train=True, a=None, exponent=1, lam=30.0, gradient="adversarial",
                predictor="adversarial", metric="cosine", temperature=1.0)
RUNS = {
    "paper": {},
    "noise_alias": dict(alias=True, a=0.25),
    "shared_bn": dict(shared=True, a=0.5, lam=5.0),
    "attack_eval": dict(attack_train=False, exponent=2),
    "clean_side": dict(gradient="clean", predictor="clean", a=0.5),
    "both_sides": dict(gradient="both", predictor="both", a=0.5),
    "symmetric": dict(gradient="symmetric", predictor="none", a=0.5),
    "mse": dict(metric="mse", a=0.5),
    "kl": dict(metric="kl", temperature=2.0, predictor="clean", a=0.5),
}


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
    return pixels, labels, net.state_dict(), [h.state_dict() for h in heads]


def clean_accuracy(net, images, labels):
    net.eval()
    with torch.no_grad():
        hits = sum((net(x, clean=True)[0].argmax(1) == y).sum().item() for x, y in zip(images, labels))
    return hits / labels.numel()


def attack(net, x, y, ids, draw, o):
    """Returns what the rest of the step takes for the batch, and the adversarial images."""
    net.train(o["attack_train"])
    start = x + RADIUS * image_noise("uniform", ids, draw, x.dtype)  # not clipped
    center = start if o["alias"] else x
    x_adv = ascend(lambda z: net(z, clean=False)[0], start, center, lambda z: F.cross_entropy(z, y, reduction="sum"),
                   RADIUS, STEP, ATTACK_STEPS)
    net.train()
    return center, x_adv


def distance(moved, target, o):
    if o["metric"] == "mse":
        return F.mse_loss(moved, target)
    if o["metric"] == "kl":
        t = o["temperature"]
        return F.kl_div(F.log_softmax(moved / t, dim=1), F.softmax(target / t, dim=1), reduction="batchmean")
    return (1 - F.cosine_similarity(moved, target, dim=1)).mean()


def invariance(heads, adversarial, clean, o):
    total = 0
    for head, va, vc in zip(heads, adversarial, clean):
        a = head(va) if o["predictor"] in ("adversarial", "both") else va
        c = head(vc) if o["predictor"] in ("clean", "both") else vc
        total = total + {
            "adversarial": lambda: distance(a, c.detach(), o),
            "clean": lambda: distance(c, a.detach(), o),
            "both": lambda: (distance(a, c.detach(), o) + distance(c, a.detach(), o)) / 2,
            "symmetric": lambda: distance(a, c, o),
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
        """One pass over adversarial images of the average, whose attack tracks nothing; every image counts alike."""
        for mean, b in zip(self.net.buffers(), net.buffers()):
            mean.copy_(b)
        bns = [getattr(self.net, f"bn{i}") for i in range(1, len(WIDTHS) + 1)]
        for b in range(BATCHES):
            ids = np.arange(b * BATCH, (b + 1) * BATCH)
            kept = copy.deepcopy(self.net.state_dict())
            _, x_adv = attack(self.net, images[b], labels[b], ids, draw, o)
            self.net.load_state_dict(kept)
            for bn in bns:
                bn.momentum = 1 / (b + 1)
            with torch.no_grad():
                self.net(x_adv, clean=False)
        return {k: v.numpy() for k, v in self.net.state_dict().items() if "num_batches" not in k}


def train(run, world, dtype):
    o = DEFAULTS | RUNS[run]
    pixels, labels, state, head_states = world
    images = pixels.to(dtype) / 255
    net, heads = Net().to(dtype), [predictor(w).to(dtype) for w in WIDTHS[1:]]
    net.load_state_dict(state)
    for head, head_state in zip(heads, head_states):
        head.load_state_dict(head_state)
        head.train()
    parts = {"net": net} if o["predictor"] == "none" else {"net": net, **dict(zip(LAYERS, heads))}
    named = [(key, f"{part}.{name}" if part != "net" else name, p)
             for part, module in parts.items() for name, p in module.named_parameters()
             for key in (["predictor"] if part != "net" else ["net"])]
    optimizer = torch.optim.SGD([p for _, _, p in named], lr=LR, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    out, losses, terms, weights = {}, [], [], []
    w = np.float32(0.5 if o["a"] is None else o["a"])
    average = Average(net)
    for step in range(STEPS):
        b, epoch = step % BATCHES, step // BATCHES + 1
        if b == 0 and o["a"] is None:
            w = np.float32(clean_accuracy(net, images, labels) ** o["exponent"])
        ids = np.arange(b * BATCH, (b + 1) * BATCH)
        x, x_adv = attack(net, images[b], labels[b], ids, epoch, o)
        clean_logits, clean_features = net(x, clean=not o["shared"])
        adv_logits, adv_features = net(x_adv, clean=False)
        ce_adv, ce_clean = F.cross_entropy(adv_logits, labels[b]), F.cross_entropy(clean_logits, labels[b])
        inv = invariance(heads, adv_features, clean_features, o)
        # lambda / |S| for the sum over the layers S
        loss = float(w) * ce_adv + float(np.float32(1) - w) * ce_clean + o["lam"] / len(LAYERS) * inv
        optimizer.zero_grad()
        loss.backward()
        for _, _, p in named:
            if p.grad is None:
                p.grad = torch.zeros_like(p)  # weight decay acts on what no loss reaches, too
        if step == 0:
            out |= {f"{run}/grad/{key}/{name}": p.grad.clone().numpy() for key, name, p in named}
        optimizer.step()
        losses.append(loss.item())
        terms.append([ce_adv.item(), ce_clean.item(), inv.item() / len(LAYERS)])
        weights.append(float(w))
        if (step + 1) % AVERAGE_EVERY == 0:
            average.add(net)
    if run == "paper":
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
    for layer, head_state in zip(LAYERS, head_states):
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
        notes.append(f"  weights {np.array2string(double[run + '/weights'], precision=4)}")
        arrays |= double
    write(__file__, notes, arrays)


if __name__ == "__main__":
    main()
