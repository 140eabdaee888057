"""Ten training steps of squeeze training (ST-AT) in PyTorch, under each of its switches: what
tests/trainers/methods/golden_st_at_test.cpp compares with.

Written from the method's description, independently of the C++ code but for the random numbers, whose generator is
golden_training.py's. Network, images and starting weights are that script's, too. Everything is computed in f64; the same
runs in f32 are only compared with that. Writes golden_st_at.npz beside this file.

    python3 tests/golden/golden_st_at.py
"""
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

import golden_training as base

RADIUS, STEP, ATTACK_STEPS = 8 / 255, 2 / 255, 10
NATURAL, COLLABORATIVE, ADVERSARIAL = 0, 1, 2  # candidates, in the order in which the first of equal ones is taken


@dataclass
class Setting:
    beta: float = 6.0
    start: str = "uniform"
    bn: str = "no_update"
    cut: bool = True  # whether the targets of the KL terms take no gradient
    exchange: str = "always"
    smoothing: float = 0.0
    gradients: bool = False  # whether the first step's gradients are kept


SETTINGS = {
    "default": Setting(start="normal", gradients=True),
    "uniform": Setting(gradients=True),
    "both_sides": Setting(cut=False, gradients=True),
    "eval": Setting(bn="eval"),
    "train": Setting(bn="train"),
    "exchange": Setting(exchange="with_natural", start="normal"),
    "smoothing": Setting(beta=1.0, smoothing=0.125),
}


def set_mode(net, bn):
    """Batch statistics that are not tracked are batch statistics with a momentum of 0."""
    net.train(bn != "eval")
    for i in range(1, len(base.WIDTHS) + 1):
        getattr(net, f"bn{i}").momentum = 0.0 if bn == "no_update" else 0.1


def extremes(logits, y):
    """Which candidate each sample takes: that of the lowest probability of the label, and that of the highest."""
    p = np.stack([F.softmax(z.detach(), dim=1).gather(1, y[:, None])[:, 0].numpy() for z in logits])
    return torch.from_numpy(p.argmin(0)), torch.from_numpy(p.argmax(0))


def taken(which, candidates):
    return torch.stack(list(candidates))[which, torch.arange(len(which))]


def discrepancy(s, low, high):
    """Half of both KL divergences, one number per sample."""

    def kl(target, z):
        target = target.detach() if s.cut else target
        return (F.softmax(target, dim=1) * (F.log_softmax(target, dim=1) - F.log_softmax(z, dim=1))).sum(1)

    return (kl(high, low) + kl(low, high)) / 2


class Run:
    def __init__(self, s, data, dtype):
        self.s, self.dtype, self.shares, self.kept = s, dtype, np.zeros((2, 3)), 0
        self.images, self.labels, self.ids, state = data
        self.net = base.Net().to(dtype)
        self.net.load_state_dict({k: v.to(dtype) for k, v in state.items()}, strict=False)

    def start(self, x, ids, draw, seed):
        scale = 0.001 if self.s.start == "normal" else RADIUS
        return x + scale * base.image_noise(self.s.start, ids, draw, x.dtype, seed)

    def attack(self, x, y, ids, draw):
        s, net = self.s, self.net
        set_mode(net, s.bn)
        adversarial = self.start(x, ids, draw, base.ENGINE_SEED)
        collaborative = self.start(x, ids, draw, base.derived("collaborative"))
        if s.bn == "train":
            net(x)  # once: the images stay, and so do their logits
            set_mode(net, "no_update")
        for _ in range(ATTACK_STEPS):
            points = [v.detach().requires_grad_() for v in (x, collaborative, adversarial)]
            natural = net(points[NATURAL])
            set_mode(net, s.bn)
            logits = [natural, net(points[COLLABORATIVE]), net(points[ADVERSARIAL])]
            if s.bn == "train":
                set_mode(net, "no_update")
            low, high = extremes(logits, y)
            self.count(low, high)
            gradients = torch.autograd.grad(discrepancy(s, taken(low, logits), taken(high, logits)).sum(), points)
            along = [taken(w, gradients) for w in (low, high)]
            if s.exchange == "with_natural" and not ((low == NATURAL) | (high == NATURAL)).any():
                self.kept += int((low != ADVERSARIAL).sum())
                low, high = torch.full_like(low, ADVERSARIAL), torch.full_like(high, COLLABORATIVE)
            adversarial, collaborative = [self.moved(x, taken(w, points).detach(), g)
                                          for w, g in zip((low, high), along)]
        set_mode(net, "train")
        return adversarial, collaborative

    def moved(self, x, point, gradient):
        point = point + STEP * gradient.sign()
        return torch.min(torch.max(point, x - RADIUS), x + RADIUS).clamp(0, 1)

    def count(self, low, high):
        for row, which in enumerate((low, high)):
            self.shares[row] += np.bincount(which.numpy(), minlength=3)

    def loss(self, x, y, ids, draw):
        s, net = self.s, self.net
        adversarial, collaborative = self.attack(x, y, ids, draw)
        set_mode(net, "no_update")
        of_collaborative = net(collaborative)
        set_mode(net, "train")
        natural = net(x)
        logits = [natural, of_collaborative, net(adversarial)]
        low, high = extremes(logits, y)
        clean = F.cross_entropy(natural, y, label_smoothing=s.smoothing)
        value = clean + s.beta * discrepancy(s, taken(low, logits), taken(high, logits)).mean()
        return value, adversarial


def train(name, data, dtype):
    run = Run(SETTINGS[name], data, dtype)
    net = run.net
    optimizer = torch.optim.SGD(net.parameters(), lr=base.LR, momentum=base.MOMENTUM, weight_decay=base.WEIGHT_DECAY)
    out, losses = {}, []
    for step in range(base.STEPS):
        b = step % base.BATCHES
        loss, x_adv = run.loss(run.images[b].to(dtype), run.labels[b], run.ids[b].numpy(), step + 1)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            out[f"{name}/x_adv"] = base.nhwc(x_adv).numpy()
            if run.s.gradients:
                out |= {f"{name}/gradient/{k}": base.nhwc(p.grad).numpy() if p.ndim == 4 else p.grad.numpy().copy()
                        for k, p in net.named_parameters()}
        optimizer.step()
        losses.append(loss.item())
    out[f"{name}/losses"] = np.array(losses)
    out |= {f"{name}/final/{k}": v.numpy() for k, v in net.state_dict().items() if "num_batches" not in k}
    assert (run.shares > 0).all(), "every candidate is to be taken, on either side"
    assert (run.kept > 0) == (run.s.exchange != "always"), "some points are to be kept that would be exchanged"
    return out, run.shares / run.shares.sum(1, keepdims=True)


def main():
    torch.use_deterministic_algorithms(True)
    data = base.make_data()
    arrays = {}
    notes = [f"torch {torch.__version__}, numpy {np.__version__}; f32 differs from f64 by at most, relative:"]
    for name in SETTINGS:
        (double, shares), (single, _) = train(name, data, torch.float64), train(name, data, torch.float32)
        notes += base.comparison(name, double, single)
        notes.append("  taken in the attack, of natural, collaborative, adversarial: lowest "
                     + ", highest ".join(np.array2string(row, precision=3) for row in shares))
        arrays |= double
    base.write(__file__, notes, arrays)


if __name__ == "__main__":
    main()
