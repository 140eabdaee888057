"""Ten training steps of ACT in PyTorch: what tests/trainers/methods/golden_act_test.cpp compares with.

Written from the method's specification, independently of the C++ code but for the random numbers. Network and images are
those of golden_training.py; the natural network, of another architecture and not trained before, is that of golden_lbgat.py.
Everything is computed in f64; the same runs in f32 show how far single precision alone
carries. Writes golden_act.npz beside this file.

    python3 tests/golden/golden_act.py
"""
from dataclasses import dataclass

import torch
import torch.nn.functional as F

import golden_ard as ard
import golden_lbgat as lbgat
import golden_training as base


@dataclass
class Setting:
    robust_alpha: float = 0.9
    natural_alpha: float = 0.9
    temperature: float = 4.0
    start: str = "uniform"
    bn: str = "eval"
    ce: str = "mean"
    smoothing: float = 0.0


SETTINGS = {
    "default": Setting(start="normal"),
    "uniform": Setting(),
    "sum": Setting(robust_alpha=0.5, natural_alpha=0.25, ce="sum"),
    "train": Setting(robust_alpha=0.25, bn="train", temperature=2.0),
    "smoothing": Setting(natural_alpha=0.0, smoothing=0.125),
}


def attack(net, s, x, y, guide, ids, draw):
    net.train(s.bn == "train")
    p, alpha = F.softmax(guide, dim=1), ard.f32(s.robust_alpha)

    def objective(z):
        ce = F.cross_entropy(z, y, reduction=s.ce)
        return (1 - alpha) * ce + alpha * F.kl_div(F.log_softmax(z, dim=1), p, reduction="sum")

    scale = 0.001 if s.start == "normal" else base.TRADES["radius"]
    x0 = x + scale * base.image_noise(s.start, ids, draw, x.dtype)
    x_adv = base.ascend(net, x0, x, objective, **base.TRADES)
    net.train()
    return x_adv


def run(name, s, data, natural, dtype):
    other = ard.load_teacher(natural["natural"], dtype).train().requires_grad_(True)

    def learn(own, answer, y, alpha):
        alpha = ard.f32(alpha)
        kl = ard.kl_per_image(answer.detach(), own, s.temperature).mean()
        return (1 - alpha) * F.cross_entropy(own, y, label_smoothing=s.smoothing) + alpha * s.temperature**2 * kl

    def step(net, nets, x, y, ids, epoch):
        guide = nets["natural"](x)
        x_adv = attack(net, s, x, y, guide.detach(), ids, epoch)
        robust = net(x_adv)
        return learn(guide, robust, y, s.natural_alpha) + learn(robust, guide, y, s.robust_alpha), x_adv

    return ard.train(name, step, data, {}, dtype, {"natural": other})


if __name__ == "__main__":
    ard.write(__file__, base.make_data(), {"natural": lbgat.untrained()}, SETTINGS, run)
