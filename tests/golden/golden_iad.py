"""Ten training steps of IAD-I and IAD-II in PyTorch: what tests/trainers/methods/golden_iad_test.cpp compares with.

Written from the methods' specification, independently of the C++ code but for the random numbers. Network, images, attack
and teachers are those of golden_ard.py. Everything is computed in f64; the same runs in f32 show how far single precision
alone carries. Writes golden_iad.npz beside this file.

    python3 tests/golden/golden_iad.py
"""
from dataclasses import dataclass

import torch
import torch.nn.functional as F

import golden_ard as ard
import golden_training as base


@dataclass
class Setting:
    kind: str = "i"
    beta: float = ard.f32(0.1)
    warm_up: int = 0
    temperature: float = 1.0
    alpha: float = 1.0  # of IAD-I
    robust: float = 0.5  # of IAD-II
    natural: float = 0.25
    weighs_teacher: bool = False
    extra_passes: bool = False
    detached: bool = False
    smoothing: float = 0.0


SETTINGS = {
    "i": Setting(),
    "i_code": Setting(warm_up=3, extra_passes=True),
    "i_shared": Setting(warm_up=4, alpha=0.75, temperature=2, beta=0.5, extra_passes=True, smoothing=0.125),
    "i_trust": Setting(weighs_teacher=True, detached=True, beta=0.5),
    "ii": Setting(kind="ii"),
    "ii_warm": Setting(kind="ii", warm_up=3, temperature=2, beta=0.5, robust=0.375, natural=0.5, detached=True),
}


def trust(logits, y, beta):
    return F.softmax(logits, dim=1)[torch.arange(len(y)), y] ** beta


def own_term(s, student, clean, a):
    opinion = clean.detach() if s.detached else clean
    return ((1 - a) * ard.kl_per_image(opinion, student)).mean()


def step_i(s, net, nets, x, y, ids, epoch):
    x_adv = ard.attack(net, x, y, ids, epoch)
    teacher, on = nets["teacher"], epoch > s.warm_up
    answer = teacher(x)
    student = net(x_adv)
    if s.extra_passes:
        net(x_adv)
    clean = net(x) if on or s.alpha < 1 or s.extra_passes else None
    if s.extra_passes and on:
        net(x)
    per_image = ard.kl_per_image(answer, student, s.temperature)
    if on:
        a = trust(teacher(x_adv), y, s.beta)
        per_image = per_image * a if s.weighs_teacher else per_image
    loss = s.alpha * s.temperature**2 * per_image.mean()
    if on:
        loss = loss + s.alpha * own_term(s, student, clean, a)
    if s.alpha < 1:
        loss = loss + (1 - s.alpha) * F.cross_entropy(clean, y, label_smoothing=s.smoothing)
    return loss, x_adv


def step_ii(s, net, nets, x, y, ids, epoch):
    x_adv = ard.attack(net, x, y, ids, epoch)
    robust, natural = nets["teacher"](x_adv), nets["natural_teacher"](x_adv)
    student = net(x_adv)
    a = trust(robust, y, s.beta) if epoch > s.warm_up else torch.ones(len(x), dtype=x.dtype)
    t2 = s.temperature**2
    loss = (1 - s.robust - s.natural) * F.cross_entropy(student, y)
    loss = loss + s.robust * t2 * (a * ard.kl_per_image(robust, student, s.temperature)).mean()
    if epoch > s.warm_up:
        loss = loss + s.robust * t2 * own_term(s, student, net(x), a)
    return loss + s.natural * t2 * ard.kl_per_image(natural, student, s.temperature).mean(), x_adv


def run(name, s, data, teachers, dtype):
    used = teachers if s.kind == "ii" else {"teacher": teachers["teacher"]}
    step = step_ii if s.kind == "ii" else step_i
    return ard.train(name, lambda *given: step(s, *given), data, used, dtype)


if __name__ == "__main__":
    everything = base.make_data()
    made = {
        "teacher": ard.make_teacher(everything, 5, robust=True),
        "natural_teacher": ard.make_teacher(everything, 6, robust=False),
    }
    ard.write(__file__, everything, made, SETTINGS, run)
