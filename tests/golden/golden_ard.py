"""Ten training steps of ARD in PyTorch: what tests/trainers/methods/golden_ard_test.cpp compares with. It also makes the
teachers of golden_iad.py and golden_kd_swa.py.

Written from the method's specification, independently of the C++ code but for the random numbers, whose generator is
golden_training.py's, as are network, images and starting weights. A teacher is another network, trained here for some
steps, with a mean and a standard deviation of its own. Everything is computed in f64; the same runs in f32 show how far
single precision alone carries. Writes golden_ard.npz beside this file.

    python3 tests/golden/golden_ard.py
"""
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

import golden_training as base

MEAN, STD = (0.5, 0.4375, 0.375), (0.25, 0.3125, 0.5)
PGD = dict(radius=8 / 255, step=2 / 255, steps=10)


# Teachers ------------------------------------------------------------------------------------------------------------


class TeacherNet(torch.nn.Module):
    """Two convolutions; images are normalised first."""

    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(base.CHANNELS, 7, 3, 1, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(7)
        self.conv2 = torch.nn.Conv2d(7, 9, 3, 2, 1, bias=False)
        self.bn2 = torch.nn.BatchNorm2d(9)
        self.linear = torch.nn.Linear(9, base.CLASSES)

    def forward(self, x):
        x = (x - x.new_tensor(MEAN)[:, None, None]) / x.new_tensor(STD)[:, None, None]
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.linear(x.mean((2, 3)))


def make_teacher(data, seed, robust):
    """Its arrays, trained in f32 on the images, or on images moved by the gradient's sign: for a few steps, so that it is
    wrong about some of them."""
    images, labels, ids, state = data
    torch.manual_seed(seed)
    net = TeacherNet()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net.train()
    for step in range(6):
        x, y = images[step % base.BATCHES], labels[step % base.BATCHES]
        if robust:
            x = x.clone().requires_grad_()
            (gradient,) = torch.autograd.grad(F.cross_entropy(net(x), y), x)
            x = (x.detach() + 8 / 255 * gradient.sign()).clamp(0, 1)
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    with torch.no_grad():
        net.linear.weight.mul_(2)  # decided answers
    return {k: v.clone() for k, v in net.state_dict().items() if "num_batches" not in k}


def load_teacher(arrays, dtype):
    net = TeacherNet().to(dtype)
    net.load_state_dict({k: v.to(dtype) for k, v in arrays.items()}, strict=False)
    return net.eval().requires_grad_(False)


# Parts of losses -----------------------------------------------------------------------------------------------------


def f32(value):
    """The number that a setting has in the engine, which keeps weights of a loss in single precision."""
    return float(np.float32(value))


def kl_per_image(teacher, student, temperature=1.0):
    p = F.softmax(teacher / temperature, dim=1)
    return (p * (F.log_softmax(teacher / temperature, dim=1) - F.log_softmax(student / temperature, dim=1))).sum(1)


def attack(net, x, y, ids, draw, clipped=False):
    """PGD on the cross entropy with batch statistics, from a uniform start that is not clipped."""
    net.train()
    start = x + PGD["radius"] * base.image_noise("uniform", ids, draw, x.dtype)
    if clipped:
        start = start.clamp(0, 1)
    return base.ascend(net, start, x, lambda z: F.cross_entropy(z, y, reduction="sum"), **PGD)


# Runs ----------------------------------------------------------------------------------------------------------------


def train(name, step_loss, data, teachers, dtype, more=()):
    """Ten steps; `step_loss(net, teachers, x, y, ids, epoch)` returns the loss and the adversarial images. `more`
    are networks, by name, that are trained as well."""
    images, labels, ids, state = data
    net = base.Net().to(dtype)
    net.load_state_dict({k: v.to(dtype) for k, v in state.items()}, strict=False)
    others = dict(more)
    loaded = {k: load_teacher(v, dtype) for k, v in teachers.items()}
    trained = {"": net, **{f"_{k}": v for k, v in others.items()}}
    parameters = [p for n in trained.values() for p in n.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=base.LR, momentum=base.MOMENTUM, weight_decay=base.WEIGHT_DECAY)
    out, losses = {}, []
    for step in range(base.STEPS):
        b = step % base.BATCHES
        loss, x_adv = step_loss(net, {**loaded, **others}, images[b].to(dtype), labels[b], ids[b].numpy(), step + 1)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            out[f"{name}/x_adv"] = base.nhwc(x_adv).numpy()
            for suffix, n in trained.items():
                for k, p in n.named_parameters():
                    gradient = torch.zeros_like(p) if p.grad is None else p.grad
                    if gradient.dim() == 4:
                        gradient = base.nhwc(gradient)  # the order of the engine's filters
                    out[f"{name}/gradient{suffix}/{k}"] = gradient.numpy().copy()
        optimizer.step()
        losses.append(loss.item())
    out[f"{name}/losses"] = np.array(losses)
    for suffix, n in {**trained, **{f"_{k}": v for k, v in loaded.items()}}.items():
        out |= {f"{name}/final{suffix}/{k}": v.numpy() for k, v in n.state_dict().items() if "num_batches" not in k}
    return out


def write(script, data, teachers, settings, run):
    """Runs every setting in f64 and in f32; `run(name, setting, data, teachers, dtype)`."""
    torch.use_deterministic_algorithms(True)
    arrays = {f"{k}/{a}": v.numpy() for k, arrays in teachers.items() for a, v in arrays.items()}
    notes = [f"torch {torch.__version__}, numpy {np.__version__}; f32 differs from f64 by at most, relative:"]
    for name, setting in settings.items():
        double = run(name, setting, data, teachers, torch.float64)
        notes += base.comparison(name, double, run(name, setting, data, teachers, torch.float32))
        arrays |= double
    base.write(script, notes, arrays)


# ARD -----------------------------------------------------------------------------------------------------------------


@dataclass
class Setting:
    alpha: float = 1.0
    temperature: float = 30.0
    mean_over: str = "batch"
    clean_pass: bool = False
    smoothing: float = 0.0


SETTINGS = {
    "paper": Setting(),
    "code": Setting(mean_over="elements", clean_pass=True),
    "shared": Setting(alpha=0.75, temperature=4, smoothing=0.125),
    "hot_labels": Setting(alpha=0.0),
}


def run(name, s, data, teachers, dtype):
    def step(net, nets, x, y, ids, epoch):
        x_adv = attack(net, x, y, ids, epoch)
        with torch.no_grad():
            answer = nets["teacher"](x)
        student = net(x_adv)
        kl = kl_per_image(answer, student, s.temperature)
        divisor = len(x) * base.CLASSES if s.mean_over == "elements" else len(x)
        loss = s.alpha * s.temperature**2 * kl.sum() / divisor
        if s.alpha < 1 or s.clean_pass:
            clean = F.cross_entropy(net(x), y, label_smoothing=s.smoothing)
            loss = loss + (1 - s.alpha) * clean
        return loss, x_adv

    return train(name, step, data, teachers, dtype)


if __name__ == "__main__":
    everything = base.make_data()
    write(__file__, everything, {"teacher": make_teacher(everything, 5, robust=True)}, SETTINGS, run)
