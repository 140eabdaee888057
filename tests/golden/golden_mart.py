"""Ten training steps of MART in PyTorch: what tests/trainers/methods/golden_mart_test.cpp compares with.

Written from the paper's loss and the constants of its published code, independently of the C++ code but for the random numbers,
whose generator is golden_training.py's. Network, images and starting weights are that script's, too. Everything is computed in
f64; the same runs in f32 show how far single precision alone carries. Writes golden_mart.npz beside this file.

    python3 tests/golden/golden_mart.py
"""
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

import golden_training as base

RADIUS, STEP, ATTACK_STEPS = 0.031, 0.007, 10


@dataclass
class Setting:
    beta: float = 5.0
    smoothing: float = 0.0
    start: str = "normal"  # 0.001 of it; "uniform": the radius; neither is clipped
    bn: str = "eval"  # in the attack; "train": and the statistics follow; "no_update": they stay


SETTINGS = {
    "resnet18": Setting(),
    "wide_resnet": Setting(beta=6.0),
    "uniform": Setting(start="uniform"),
    "train_bn": Setting(bn="train"),
    "no_update": Setting(bn="no_update", start="uniform"),
    "smoothing": Setting(smoothing=0.25),
}


def set_mode(net, bn):
    net.train(bn != "eval")
    for m in net.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.momentum = 0.0 if bn == "no_update" else 0.1


def start_of(kind, x, ids, draw):
    scale = 0.001 if kind == "normal" else RADIUS
    return x + scale * base.image_noise(kind, ids, draw, x.dtype)


def adversarial(net, x, y, ids, draw, s):
    set_mode(net, s.bn)
    x_adv = base.ascend(net, start_of(s.start, x, ids, draw), x, lambda z: F.cross_entropy(z, y, reduction="sum"), RADIUS,
                        STEP, ATTACK_STEPS)
    set_mode(net, "train")
    return x_adv


def mart(clean, adversarial, y, beta, smoothing=0.0):
    """The loss of logits: a boosted cross entropy, and a KL term weighted by how unsure the clean prediction is."""
    p, q = clean.softmax(1), adversarial.softmax(1)
    own = F.one_hot(y, p.shape[1]).bool()
    runner_up = q.masked_fill(own, -1).amax(1)
    boosted = F.cross_entropy(adversarial, y, reduction="none", label_smoothing=smoothing)
    boosted = boosted - torch.log(1.0001 - runner_up + 1e-12)
    kl = (p * (p.log() - torch.log(q + 1e-12))).sum(1)
    return (boosted + beta * kl * (1.0000001 - p[own])).mean()


def train(name, data, dtype):
    s = SETTINGS[name]
    images, labels, ids, state = data
    net = base.Net().to(dtype)
    net.load_state_dict({k: v.to(dtype) for k, v in state.items()}, strict=False)
    optimizer = torch.optim.SGD(net.parameters(), lr=base.LR, momentum=base.MOMENTUM, weight_decay=base.WEIGHT_DECAY)
    out, losses = {}, []
    for step in range(base.STEPS):
        b = step % base.BATCHES
        x, y = images[b].to(dtype), labels[b]
        x_adv = adversarial(net, x, y, ids[b].numpy(), step + 1, s)
        loss = mart(net(x), net(x_adv), y, s.beta, s.smoothing)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            out |= first_step(name, net, x_adv)
        optimizer.step()
        losses.append(loss.item())
    out[f"{name}/losses"] = np.array(losses)
    return out | {f"{name}/final/{k}": v.numpy() for k, v in net.state_dict().items() if "num_batches" not in k}


def first_step(name, net, x_adv):
    out = {f"{name}/gradient/{k}": to_ours(p.grad.numpy().copy()) for k, p in net.named_parameters()}
    out[f"{name}/x_adv"] = base.nhwc(x_adv).numpy()
    return out


def to_ours(m):
    """Filters (K, C, R, S) as the C++ code holds them: (K, R, S, C)."""
    return np.moveaxis(m, 1, -1) if m.ndim == 4 else m


def write_runs(script, settings, train):
    torch.use_deterministic_algorithms(True)
    data = base.make_data()
    arrays, notes = {}, [f"torch {torch.__version__}, numpy {np.__version__}; f32 differs from f64 by at most, relative:"]
    for name in settings:
        double, single = train(name, data, torch.float64), train(name, data, torch.float32)
        notes += base.comparison(name, double, single)
        arrays |= double
    base.write(script, notes, arrays)


if __name__ == "__main__":
    write_runs(__file__, SETTINGS, train)
