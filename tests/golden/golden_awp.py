"""Ten training steps with adversarial weight perturbation in PyTorch, around PGD-AT, TRADES, MART and CURE: what
tests/trainers/methods/golden_awp_test.cpp compares with.

Written from the description of AWP, independently of the C++ code but for the random numbers, whose generator is
golden_training.py's. Network, images and starting weights are that script's, too, and CURE is golden_cure.py's. As in the
published code a proxy, which has statistics of its own, takes a step of SGD up the loss, and how far each filter and matrix
of it moved is the direction. Everything is computed in f64; the same runs in f32 show how far single precision carries.
Writes golden_awp.npz beside this file.

    python3 tests/golden/golden_awp.py
"""
import copy
from dataclasses import dataclass, replace
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F

import golden_cure as cure
import golden_training as base

PROXY_LR = 0.01


@dataclass
class Setting:
    method: str
    gamma: float = 0.01
    start: int = 1
    restore: str = "after_step"
    bn: str = "eval"  # inside the attack
    order: str = "paper"  # of TRADES' passes; "code": adversarial, clean for the KL term, clean for the cross entropy


SETTINGS = {
    "pgd_at": Setting("pgd_at", bn="train"),
    "pgd_at_before_step": Setting("pgd_at", gamma=0.25, restore="before_step"),
    "trades": Setting("trades", gamma=0.005, start=4),
    "trades_code": Setting("trades", gamma=0.005, start=2, order="code"),
    "trades_far": Setting("trades", gamma=0.1),
    "mart": Setting("mart"),
    "cure": Setting("cure", gamma=0.05, start=3),
}
CURE = cure.Setting()


# Attacks and losses --------------------------------------------------------------------------------------------------


def images(method, net, x, y, ids, draw):
    """The adversarial images of a step, in the mode the network is in."""
    start = base.image_noise("uniform", ids, draw, x.dtype)
    if method == "pgd_at":
        return base.ascend(net, (x + base.PGD["radius"] * start).clamp(0, 1), x,
                           lambda z: F.cross_entropy(z, y, reduction="sum"), **base.PGD)
    start = x + base.TRADES["radius"] * start
    if method == "mart":
        return base.ascend(net, start, x, lambda z: F.cross_entropy(z, y, reduction="sum"), **base.TRADES)
    with torch.no_grad():
        p = F.softmax(net(x), dim=1)
    return base.ascend(net, start, x, lambda z: F.kl_div(F.log_softmax(z, dim=1), p, reduction="sum"), **base.TRADES)


def loss_of(method, net, x, x_adv, y, order="paper"):
    if method == "pgd_at":
        return F.cross_entropy(net(x_adv), y)
    if order == "code":
        robust, natural = net(x_adv), net(x)
        return base.BETA * cure.kl(natural, robust) + F.cross_entropy(net(x), y)
    natural, robust = net(x), net(x_adv)
    if method == "trades":
        return F.cross_entropy(natural, y) + base.BETA * cure.kl(natural, robust)
    p, q = F.softmax(natural, dim=1), F.softmax(robust, dim=1)
    others = q.scatter(1, y[:, None], -1.0)
    boosted = F.cross_entropy(robust, y) - torch.log(1.0001 - others.max(1).values + 1e-12).mean()
    kl = (p * (torch.log(p) - torch.log(q + 1e-12))).sum(1)
    return boosted + 5.0 * (kl * (1.0000001 - p.gather(1, y[:, None])[:, 0])).mean()


# The perturbation ----------------------------------------------------------------------------------------------------


def perturbation(names, weights, gradients, gamma):
    """gamma times the layer-wise direction in which a proxy moves up the loss; None for what is not perturbed."""
    out = []
    for name, w, g in zip(names, weights, gradients):
        if w.dim() <= 1 or "weight" not in name:
            out.append(None)
            continue
        moved = (w.detach() + PROXY_LR * g) - w.detach()
        out.append(gamma * w.detach().norm() / (moved.norm() + 1e-20) * moved)
    return out


def add(weights, v, sign):
    with torch.no_grad():
        for w, d in zip(weights, v):
            if d is not None:
                w.add_(d, alpha=sign)


class Run:
    def __init__(self, s, data, dtype):
        self.s, self.dtype = s, dtype
        self.images, self.labels, self.ids, state = data
        self.net = base.Net().to(dtype)
        self.net.load_state_dict({k: v.to(dtype) for k, v in state.items()}, strict=False)
        self.names, self.params = zip(*self.net.named_parameters())
        self.optimizer = torch.optim.SGD(self.params, lr=base.LR, momentum=base.MOMENTUM,
                                         weight_decay=base.WEIGHT_DECAY)
        self.losses, self.first, self.gradient = [], None, None

    def step(self, k):
        s, b = self.s, k % base.BATCHES
        x, y = self.images[b].to(self.dtype), self.labels[b]
        self.net.train(s.bn == "train")
        x_adv = images(s.method, self.net, x, y, self.ids[b].numpy(), k + 1)
        self.net.train()
        v = [None] * len(self.params)
        if k + 1 >= s.start:
            proxy = copy.deepcopy(self.net)
            ascent = torch.autograd.grad(loss_of(s.method, proxy, x, x_adv, y), list(proxy.parameters()))
            v = perturbation(self.names, self.params, ascent, s.gamma)
        add(self.params, v, 1)
        loss = loss_of(s.method, self.net, x, x_adv, y, s.order)
        self.optimizer.zero_grad()
        loss.backward()
        if k == 0:
            self.first, self.gradient = x_adv, [p.grad.clone() for p in self.params]
        if s.restore == "before_step":
            add(self.params, v, -1)
        self.optimizer.step()
        if s.restore == "after_step":
            add(self.params, v, -1)
        self.losses.append(loss.item())

    def arrays(self):
        out = final("final", self.net)
        out["x_adv"] = base.nhwc(self.first).numpy()
        out |= {f"gradient/{n}": cure.to_ours(g.numpy()) for n, g in zip(self.names, self.gradient)}
        return out


class Probe(cure.Run):
    """A copy of a run of CURE that finds out the gradient of its next step."""

    def move(self, gradients, masks):
        self.ascent = gradients

    def revise(self, k, epoch):
        pass


class CureRun(cure.Run):
    def __init__(self, s, data, dtype):
        super().__init__(CURE, data, dtype)
        self.awp = s

    def step(self, k):
        b, epoch = k % base.BATCHES, self.epoch_of(k)
        x_adv = cure.adversarial(self.net, self.images[b].to(self.dtype), self.ids[b].numpy(), epoch, self.s.start,
                                 self.s.attack_bn)
        self.v = [None] * len(self.params)
        with mock.patch.object(cure, "adversarial", lambda *_: x_adv):
            if epoch >= self.awp.start:
                proxy = copy.deepcopy(self)
                proxy.__class__ = Probe
                proxy.step(k)
                self.v = perturbation(self.names, self.params, proxy.ascent, self.awp.gamma)
            add(self.params, self.v, 1)
            super().step(k)

    def move(self, gradients, masks):
        super().move(gradients, masks)
        add(self.params, self.v, -1)

    def arrays(self):
        return final("final", self.net) | final("final_revision", self.rev)


def final(which, net):
    return {f"{which}/{k}": v.numpy() for k, v in net.state_dict().items() if "num_batches" not in k}


def train(name, data, dtype):
    s = SETTINGS[name]
    run = (CureRun if s.method == "cure" else Run)(s, data, dtype)
    for k in range(base.STEPS):
        run.step(k)
    out = {f"{name}/{k}": v for k, v in run.arrays().items()}
    out[f"{name}/losses"] = np.array(run.losses)
    return out


def effect(name, data, double):
    """How far the perturbation moved the losses: those of a run without it, and the largest difference."""
    with mock.patch.dict(SETTINGS, {name: replace(SETTINGS[name], gamma=0.0)}):
        plain = train(name, data, torch.float64)[name + "/losses"]
    return f"  without a perturbation the losses differ by up to {np.abs(plain - double[name + '/losses']).max():.1e}"


def main():
    torch.use_deterministic_algorithms(True)
    data = base.make_data()
    arrays = {}
    notes = [f"torch {torch.__version__}, numpy {np.__version__}; f32 differs from f64 by at most, relative:"]
    for name in SETTINGS:
        double, single = train(name, data, torch.float64), train(name, data, torch.float32)
        notes += base.comparison(name, double, single) + [effect(name, data, double)]
        arrays |= double
    base.write(__file__, notes, arrays)


if __name__ == "__main__":
    main()
