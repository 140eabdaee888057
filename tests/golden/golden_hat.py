"""Ten training steps of HAT in PyTorch, under each of its switches: what tests/trainers/methods/golden_hat_test.cpp compares with.

Written from the description of HAT, independently of the C++ code but for the random numbers, whose generator is
golden_training.py's. Network, images and starting weights are that script's, too; the helper is another network of the same
architecture. Everything is computed in f64; the same runs in f32 show how far single precision carries. Writes
golden_hat.npz beside this file.

    python3 tests/golden/golden_hat.py
"""
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

import golden_cure as cure
import golden_training as base

RADIUS, STEP, ATTACK_STEPS = 8 / 255, 2 / 255, 10
HELPER_SEED = 23


@dataclass
class Setting:
    beta: float = 2.5
    gamma: float = 0.5
    reach: float = 2.0
    robust: str = "kl"
    start: str = "wide"  # uniform, not clipped; "uniform": clipped; "normal": a thousandth
    bn: str = "eval"  # inside the attack; "no_update": batch statistics that are not tracked
    smoothing: float = 0.0


SETTINGS = {
    "published": Setting(start="normal"),
    "uniform": Setting(),
    "cross_entropy": Setting(robust="cross_entropy", start="uniform", smoothing=0.125),
    "large_batches": Setting(start="uniform", bn="no_update", beta=3.5, reach=3.5, gamma=1.0, smoothing=0.125),
}


def make_helper():
    """Decided, and with running statistics that are not those of a new network."""
    torch.manual_seed(HELPER_SEED)
    helper = base.Net()
    generator = torch.Generator().manual_seed(HELPER_SEED)
    with torch.no_grad():
        for name, t in helper.state_dict().items():
            if name.endswith("running_mean"):
                t.copy_(0.2 * torch.randn(t.shape, generator=generator))
            if name.endswith("running_var"):
                t.copy_(0.2 + torch.rand(t.shape, generator=generator))
        helper.linear.weight.mul_(8)
    return helper


def images(s, net, x, y, ids, draw):
    noise = base.image_noise("normal" if s.start == "normal" else "uniform", ids, draw, x.dtype)
    start = x + (0.001 if s.start == "normal" else RADIUS) * noise
    if s.start == "uniform":
        start = start.clamp(0, 1)
    net.train(s.bn != "eval")
    momenta = [m.momentum for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for m in net.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.momentum = 0.0 if s.bn == "no_update" else m.momentum
    if s.robust == "kl":
        with torch.no_grad():
            p = F.softmax(net(x), dim=1)
        objective = lambda z: F.kl_div(F.log_softmax(z, dim=1), p, reduction="sum")
    else:
        objective = lambda z: F.cross_entropy(z, y, reduction="sum")
    x_adv = base.ascend(net, start, x, objective, RADIUS, STEP, ATTACK_STEPS)
    for m, momentum in zip([m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)], momenta):
        m.momentum = momentum
    net.train()
    return x_adv


def loss_of(s, net, helper, x, x_adv, y):
    with torch.no_grad():
        labels = helper(x_adv).argmax(1)
    natural, robust, helped = net(x), net(x_adv), net(x + s.reach * (x_adv - x))
    held = cure.kl(natural, robust) if s.robust == "kl" else F.cross_entropy(robust, y)
    loss = F.cross_entropy(natural, y, label_smoothing=s.smoothing)
    return loss + s.beta * held + s.gamma * F.cross_entropy(helped, labels), labels


def train(name, data, dtype):
    s = SETTINGS[name]
    all_images, all_labels, all_ids, state = data
    net, helper = base.Net().to(dtype), make_helper().to(dtype).eval()
    net.load_state_dict({k: v.to(dtype) for k, v in state.items()}, strict=False)
    optimizer = torch.optim.SGD(net.parameters(), lr=base.LR, momentum=base.MOMENTUM, weight_decay=base.WEIGHT_DECAY)
    losses, out, agree = [], {}, []
    for k in range(base.STEPS):
        b = k % base.BATCHES
        x, y = all_images[b].to(dtype), all_labels[b]
        x_adv = images(s, net, x, y, all_ids[b].numpy(), k + 1)
        loss, labels = loss_of(s, net, helper, x, x_adv, y)
        agree.append((labels == y).float().mean().item())
        optimizer.zero_grad()
        loss.backward()
        if k == 0:
            out = {f"{name}/gradient/{n}": cure.to_ours(p.grad.numpy().copy()) for n, p in net.named_parameters()}
            out[f"{name}/x_adv"] = base.nhwc(x_adv).numpy()
        optimizer.step()
        losses.append(loss.item())
    out |= {f"{name}/final/{k}": v.numpy() for k, v in net.state_dict().items() if "num_batches" not in k}
    out |= {f"{name}/final_helper/{k}": v.numpy() for k, v in helper.state_dict().items() if "num_batches" not in k}
    out[f"{name}/losses"] = np.array(losses)
    return out, np.mean(agree)


def main():
    torch.use_deterministic_algorithms(True)
    data = base.make_data()
    arrays = {f"helper/{k}": v.numpy() for k, v in make_helper().state_dict().items() if "num_batches" not in k}
    notes = [f"torch {torch.__version__}, numpy {np.__version__}; f32 differs from f64 by at most, relative:"]
    for name in SETTINGS:
        (double, agree), (single, _) = train(name, data, torch.float64), train(name, data, torch.float32)
        notes += base.comparison(name, double, single) + [f"  the helper agrees with {100 * agree:.0f} % of the labels"]
        arrays |= double
    base.write(__file__, notes, arrays)


if __name__ == "__main__":
    main()
