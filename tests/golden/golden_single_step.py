"""Ten training steps of the single-step methods (FGSM-RS, N-FGSM, Free-AT, GradAlign) in PyTorch: what
tests/trainers/methods/golden_single_step_test.cpp compares against.

Network, images, starting weights and random numbers are golden_training.py's. GradAlign's term is differentiated by
automatic differentiation, twice. Everything is computed in f64; the same runs in f32 are only compared with that. Writes
golden_single_step.npz beside this file.

    python3 tests/golden/golden_single_step.py
"""
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F

import golden_training as base

MASK = (1 << 64) - 1


@dataclass
class Setting:
    method: str = "fgsm"  # or free_at
    radius: float = 8 / 255
    step: float = 10 / 255
    noise: float = 1.0  # of the start, in radii
    clipped: bool = True  # the start
    ball: bool = True  # whether the result is projected into the ball
    bn: str = "train"
    smoothing: float = 0.0
    align: float = 0.0  # weight of GradAlign's term
    through: str = "both"
    clip: str = "input"  # free_at


RS = Setting()
N_FGSM = Setting(step=8 / 255, noise=2.0, ball=False)
ALIGN = Setting(step=8 / 255, noise=0.0, align=0.5)
FREE = Setting("free_at", step=8 / 255)
WITH_GRADIENTS = ("fgsm_rs", "n_fgsm", "free_at", "grad_align", "grad_align_noisy")
SETTINGS = {
    "fgsm_rs": RS,
    "fgsm_rs_unclipped": replace(RS, clipped=False, smoothing=0.25),
    "fgsm_rs_eval": replace(RS, bn="eval"),
    "fgsm_rs_no_update": replace(RS, bn="no_update"),
    "n_fgsm": N_FGSM,
    "n_fgsm_unclipped": replace(N_FGSM, clipped=False, radius=12 / 255, noise=3.0),
    "free_at": FREE,
    "free_at_perturbation": replace(FREE, clip="perturbation", step=3 / 255),
    "grad_align": ALIGN,
    "grad_align_noisy": replace(ALIGN, through="noisy"),
    "grad_align_eval": replace(ALIGN, bn="eval"),
    "grad_align_rs": replace(RS, align=2.0, bn="no_update"),
}


def mixed(z):
    z = (z + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def seed_of(stream):
    """The seed of a named stream: "attack" has the engine's own."""
    if stream == "attack":
        return base.ENGINE_SEED
    h = 0xCBF29CE484222325
    for c in stream.encode():
        h = ((h ^ c) * 0x100000001B3) & MASK
    return mixed(base.ENGINE_SEED ^ mixed(h))


def uniform(stream, ids, draw, dtype):
    """U(-1, 1) as images."""
    elements = base.SIDE * base.SIDE * base.CHANNELS
    groups = np.arange((elements + 3) // 4)[None, :]
    words = base.philox(seed_of(stream), groups, np.asarray(ids)[:, None], draw, base.PURPOSE_ATTACK)
    flat = np.stack([np.float32(2) * base.unit(w) - np.float32(1) for w in words], -1)
    flat = flat.reshape(len(ids), -1)[:, :elements].reshape(-1, base.SIDE, base.SIDE, base.CHANNELS)
    return torch.from_numpy(flat).permute(0, 3, 1, 2).to(dtype)


def set_mode(net, bn):
    """Batch statistics that are not tracked are batch statistics with a momentum of 0."""
    net.train(bn != "eval")
    for i in range(1, len(base.WIDTHS) + 1):
        getattr(net, f"bn{i}").momentum = 0.0 if bn == "no_update" else 0.1


def fgsm(net, s, x, y, ids, draw):
    set_mode(net, s.bn)
    start = x + s.noise * s.radius * uniform("attack", ids, draw, x.dtype)
    if s.clipped:
        start = start.clamp(0, 1)
    start.requires_grad_()
    (g,) = torch.autograd.grad(F.cross_entropy(net(start), y), start)
    x_adv = start.detach() + s.step * g.sign()
    if s.ball:
        x_adv = torch.min(torch.max(x_adv, x - s.radius), x + s.radius)
    return x_adv.clamp(0, 1)


def clipped(x):
    """To [0, 1]; the gradient passes at 0 and 1 themselves, which versions of torch.clamp do not agree on."""
    return torch.where((x >= 0) & (x <= 1), x, x.detach().clamp(0, 1))


def alignment(net, s, x, y, ids, draw):
    """The mean of 1 - cos between the gradients at x and at a random neighbour, differentiable."""

    def gradient(images, bn):
        set_mode(net, bn)
        images = images.clone().requires_grad_()
        return torch.autograd.grad(F.cross_entropy(net(images), y), images, create_graph=True)[0].flatten(1)

    clean = gradient(x, "no_update" if s.bn == "train" else s.bn)
    noisy = gradient(x + s.radius * uniform("alignment", ids, draw, x.dtype), s.bn)
    if s.through == "noisy":
        clean = clean.detach()
    return (1 - F.cosine_similarity(clean, noisy, dim=1)).mean()


def train(name, data, dtype):
    s = SETTINGS[name]
    images, labels, ids, state = data
    net = base.Net().to(dtype)
    net.load_state_dict({k: v.to(dtype) for k, v in state.items()}, strict=False)
    optimizer = torch.optim.SGD(net.parameters(), lr=base.LR, momentum=base.MOMENTUM, weight_decay=base.WEIGHT_DECAY)
    delta = torch.zeros(images[0].shape, dtype=dtype)
    losses, out = [], {}
    for step in range(base.STEPS):
        b = step % base.BATCHES
        x, y, i = images[b].to(dtype), labels[b], ids[b].numpy()
        if s.method == "free_at":
            delta = delta.detach().requires_grad_()
            x_adv = clipped(x + delta) if s.clip == "input" else x + delta
        else:
            x_adv = fgsm(net, s, x, y, i, step + 1)
        set_mode(net, "train")
        loss = F.cross_entropy(net(x_adv), y, label_smoothing=s.smoothing)
        if s.align > 0:
            loss = loss + s.align * alignment(net, s, x, y, i, step + 1)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            if s.method != "free_at":
                out[f"{name}/x_adv"] = base.nhwc(x_adv.detach()).numpy()
            if name in WITH_GRADIENTS:
                out |= {f"{name}/gradient/{k}": v.grad.numpy().copy() for k, v in net.named_parameters()}
        optimizer.step()
        if s.method == "free_at":
            delta = (delta.detach() + s.step * delta.grad.sign()).clamp(-s.radius, s.radius)
            if s.clip == "perturbation":
                delta = torch.max(torch.min(delta, 1 - x), -x)
        losses.append(loss.item())
    out |= {f"{name}/final/{k}": v.numpy() for k, v in net.state_dict().items() if "num_batches" not in k}
    return out | {f"{name}/losses": np.array(losses)}


def main():
    torch.use_deterministic_algorithms(True)
    data = base.make_data()
    arrays = {}
    notes = [f"torch {torch.__version__}, numpy {np.__version__}; f32 differs from f64 by at most, relative:"]
    for name in SETTINGS:
        double, single = train(name, data, torch.float64), train(name, data, torch.float32)
        notes += base.comparison(name, double, single)
        arrays |= {k: base.nhwc(torch.from_numpy(v)).numpy() if v.ndim == 4 and "gradient" in k else v
                   for k, v in double.items()}
    base.write(__file__, notes, arrays)


if __name__ == "__main__":
    main()
