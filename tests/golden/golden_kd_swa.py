"""Ten training steps of KD-SWA's distillation in PyTorch: what tests/trainers/methods/golden_kd_swa_test.cpp compares with.

Written from the method's specification, independently of the C++ code but for the random numbers. Network, images, attack
and teachers are those of golden_ard.py and golden_iad.py; here the attack starts clipped. Everything is computed in f64;
the same runs in f32 show how far single precision alone carries. Writes golden_kd_swa.npz beside this file.

    python3 tests/golden/golden_kd_swa.py
"""
from dataclasses import dataclass

import numpy as np
import torch.nn.functional as F

import golden_ard as ard
import golden_training as base


@dataclass
class Setting:
    temperature: float = 2.0
    natural: float = 0.1
    robust: float = 0.6
    smoothing: float = 0.0


SETTINGS = {
    "code": Setting(),
    "akd2": Setting(temperature=1, natural=0.25, robust=0.5, smoothing=0.125),
    "soft_only": Setting(temperature=4, natural=0.25, robust=0.75),
}


def softened(teacher, student, temperature):
    """T^2 times the cross entropy of softened outputs."""
    target = F.softmax(teacher / temperature, dim=1)
    return -(target * F.log_softmax(student / temperature, dim=1)).sum(1).mean() * temperature**2


def run(name, s, data, teachers, dtype):
    # Single precision, as the engine keeps them.
    natural, robust = np.float32(s.natural), np.float32(s.robust)
    labels_weight = float(np.float32(1) - robust - natural)

    def step(net, nets, x, y, ids, epoch):
        x_adv = ard.attack(net, x, y, ids, epoch, clipped=True)
        student = net(x_adv)
        loss = labels_weight * F.cross_entropy(student, y, label_smoothing=s.smoothing)
        loss = loss + float(natural) * softened(nets["natural_teacher"](x_adv), student, s.temperature)
        return loss + float(robust) * softened(nets["teacher"](x_adv), student, s.temperature), x_adv

    return ard.train(name, step, data, teachers, dtype)


if __name__ == "__main__":
    everything = base.make_data()
    made = {
        "teacher": ard.make_teacher(everything, 5, robust=True),
        "natural_teacher": ard.make_teacher(everything, 6, robust=False),
    }
    ard.write(__file__, everything, made, SETTINGS, run)
