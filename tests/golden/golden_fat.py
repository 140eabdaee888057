"""Ten training steps of FAT in its three forms in PyTorch: what tests/trainers/methods/golden_fat_test.cpp compares with.

Written from the paper's Algorithm 1 and the settings of its published code, independently of the C++ code but for the random
numbers, whose generator is golden_training.py's. Network, images and starting weights are that script's, too, and the loss of MART
is golden_mart.py's. Everything is computed in f64; the same runs in f32 show how far single precision alone carries. Writes
golden_fat.npz beside this file.

    python3 tests/golden/golden_fat.py
"""
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

import golden_mart as mart
import golden_training as base

RADIUS, STEP, ATTACK_STEPS = 0.031, 0.007, 10


@dataclass
class Setting:
    loss: str = "at"
    beta: float = 6.0
    smoothing: float = 0.0
    tau: int = 0
    milestones: tuple = (50, 90)
    noise: float = 0.001
    start: str = "uniform"  # of the radius; "normal": 0.001 of it; both clipped; "wide": of the radius, not clipped
    bn: str = "eval"
    first: str = "clean"


SETTINGS = {
    "at": Setting(milestones=(3, 6)),
    "at_noisy": Setting(noise=0.01, tau=1, smoothing=0.125),
    "at_train_bn": Setting(bn="train", milestones=(3,)),
    "trades": Setting(loss="trades", noise=0, start="normal", milestones=(2, 5, 8)),
    "trades_wide": Setting(loss="trades", noise=0.002, start="wide", tau=2, milestones=(), beta=1.0),
    "mart": Setting(loss="mart", noise=0, start="normal", milestones=(2, 4, 6, 8), first="adversarial"),
    "mart_clean_first": Setting(loss="mart", noise=0, start="normal", tau=10, milestones=()),
}


def mix(z):
    """SplitMix64's finaliser (Steele et al. 2014)."""
    mask = 2**64 - 1
    z = (z + 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31)


def derived(seed, name):
    """The seed of a named stream of random numbers: the name's FNV-1a hash goes into it."""
    text = 0xCBF29CE484222325
    for c in name.encode():
        text = ((text ^ c) * 0x100000001B3) % 2**64
    return mix(seed ^ mix(text))


NOISE_SEED = derived(base.ENGINE_SEED, "noise")


def step_noise(ids, draw, step, dtype):
    """N(0, 1) for step number `step` of an attack, as images."""
    elements = base.SIDE * base.SIDE * base.CHANNELS
    words = base.philox(NOISE_SEED, np.arange(elements // 4)[None, :], np.asarray(ids)[:, None], draw,
                        base.PURPOSE_ATTACK | step << 8)
    u = [base.unit(w).astype(np.float64) for w in words]
    values = []
    for a, b in ((u[0], u[1]), (u[2], u[3])):
        length = np.sqrt(-2 * np.log(a))
        values += [length * np.cos(2 * np.pi * b), length * np.sin(2 * np.pi * b)]
    flat = np.stack(values, -1).reshape(-1, base.SIDE, base.SIDE, base.CHANNELS).astype(np.float32)
    return torch.from_numpy(flat).permute(0, 3, 1, 2).to(dtype)


def start_of(s, x, ids, draw):
    kind = "normal" if s.start == "normal" else "uniform"
    start = x + (0.001 if kind == "normal" else RADIUS) * base.image_noise(kind, ids, draw, x.dtype)
    return start if s.start == "wide" else start.clamp(0, 1)


def friendly(net, x, y, ids, epoch, s):
    """The images, and how many steps each of them made."""
    mart.set_mode(net, s.bn)
    with torch.no_grad():
        p = net(x).softmax(1) if s.loss == "trades" else None
    tau = s.tau + sum(epoch > m for m in s.milestones)
    left, made, moving = [tau] * len(x), [0] * len(x), [True] * len(x)
    x_adv = start_of(s, x, ids, epoch)
    for k in range(ATTACK_STEPS):
        x_adv = x_adv.detach().requires_grad_()
        z = net(x_adv)
        for i, wrong in enumerate((z.argmax(1) != y).tolist()):
            if moving[i] and wrong:
                moving[i] = left[i] > 0
                left[i] -= 1
        if p is None:
            value = F.cross_entropy(z, y, reduction="sum")
        else:
            value = F.kl_div(F.log_softmax(z, dim=1), p, reduction="sum")
        (g,) = torch.autograd.grad(value, x_adv)
        to = x_adv.detach() + STEP * g.sign() + s.noise * step_noise(ids, epoch, k, x.dtype)
        to = torch.min(torch.max(to, x - RADIUS), x + RADIUS).clamp(0, 1)
        x_adv = torch.where(torch.tensor(moving).reshape(-1, 1, 1, 1), to, x_adv.detach())
        made = [m + one for m, one in zip(made, moving)]
    mart.set_mode(net, "train")
    return x_adv.detach(), made


def loss_of(net, x, x_adv, y, s):
    if s.loss == "at":
        return F.cross_entropy(net(x_adv), y, label_smoothing=s.smoothing)
    if s.first == "adversarial":
        adversarial = net(x_adv)
        clean = net(x)
    else:
        clean = net(x)
        adversarial = net(x_adv)
    if s.loss == "mart":
        return mart.mart(clean, adversarial, y, s.beta, s.smoothing)
    kl = F.kl_div(F.log_softmax(adversarial, dim=1), F.softmax(clean, dim=1), reduction="batchmean")
    return F.cross_entropy(clean, y, label_smoothing=s.smoothing) + s.beta * kl


def train(name, data, dtype):
    s = SETTINGS[name]
    images, labels, ids, state = data
    net = base.Net().to(dtype)
    net.load_state_dict({k: v.to(dtype) for k, v in state.items()}, strict=False)
    optimizer = torch.optim.SGD(net.parameters(), lr=base.LR, momentum=base.MOMENTUM, weight_decay=base.WEIGHT_DECAY)
    out, losses, steps = {}, [], []
    for step in range(base.STEPS):
        b = step % base.BATCHES
        x, y = images[b].to(dtype), labels[b]
        x_adv, made = friendly(net, x, y, ids[b].numpy(), step + 1, s)
        loss = loss_of(net, x, x_adv, y, s)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            out |= mart.first_step(name, net, x_adv)
        optimizer.step()
        losses.append(loss.item())
        steps.append(made)
    if dtype == torch.float64:
        print(name, "steps of each image:", steps)
    out[f"{name}/losses"] = np.array(losses)
    return out | {f"{name}/final/{k}": v.numpy() for k, v in net.state_dict().items() if "num_batches" not in k}


if __name__ == "__main__":
    mart.write_runs(__file__, SETTINGS, train)
