"""Ten training steps under each switch of standard, PGD-AT and TRADES in PyTorch: what tests/trainers/methods/golden_switches_test.cpp
compares against.

Network, images, starting weights and random numbers are golden_training.py's. Everything is computed in f64; the same runs
in f32 are only compared with that. Writes golden_switches.npz beside this file.

    python3 tests/golden/golden_switches.py
"""
import copy
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F

import golden_training as base

PURPOSE_METHOD = 5


@dataclass
class Setting:
    method: str
    smoothing: float = 0.0
    # the attack
    radius: float = 8 / 255
    step: float = 2 / 255
    steps: int = 5
    start: str = "uniform"  # clipped; "wide": not clipped; "normal"; "none"
    norm: str = "linf"
    order: str = "ball_first"
    restarts: int = 1
    rule: str = "best_loss"
    returns: str = "last"
    loss: str = "cross_entropy"
    momentum: float = 0.0
    bn: str = "train"
    # PGD-AT
    score: bool = False  # the images that were found pass the network once more
    clean_pass: bool = False
    # TRADES
    beta: float = 6.0
    clean_updates: int = 1
    stop: bool = False
    # averages
    ema_warm_up: bool = True


PGD_AT = Setting("pgd_at")
TRADES = Setting("trades", radius=0.031, step=0.007, steps=10, start="wide", bn="eval")
SETTINGS = {
    "standard_smoothing": Setting("standard", smoothing=0.125),
    "smoothing": replace(PGD_AT, smoothing=0.25, bn="no_update", ema_warm_up=False),
    "rice": replace(PGD_AT, score=True, clean_pass=True),
    "rice_restarts": replace(PGD_AT, score=True, clean_pass=True, restarts=2),
    "any_success": replace(PGD_AT, bn="eval", restarts=2, rule="any_success", step=0.5 / 255),
    "best_point": replace(PGD_AT, returns="best_loss", step=6 / 255),
    "l2": replace(PGD_AT, norm="l2", radius=0.5, step=0.15, start="none", bn="eval"),
    "l2_random": replace(PGD_AT, norm="l2", radius=0.5, step=0.15, bn="eval"),
    "margin": replace(PGD_AT, loss="margin"),
    "momentum": replace(PGD_AT, momentum=1.0, bn="eval"),
    "trades_code": replace(TRADES, clean_updates=2),
    "trades_one_side": replace(TRADES, stop=True),
    "trades_train": replace(TRADES, bn="train"),
    "trades_no_update": replace(TRADES, bn="no_update", beta=1.0),
    "trades_l2": replace(TRADES, norm="l2", radius=0.5, step=0.1, order="box_first", bn="train"),
}
EMA = 0.8


def start_noise(s, ids, draw, restart, dtype):
    """Unit noise as images; restarts are numbered above the purpose."""
    elements = base.SIDE * base.SIDE * base.CHANNELS
    words = base.philox(base.ENGINE_SEED, np.arange(elements // 4 + 1)[None, :], np.asarray(ids)[:, None], draw,
                        base.PURPOSE_ATTACK | restart << 8)
    u = [base.unit(w) for w in words]
    if s.norm == "linf" and s.start != "normal":
        flat = np.stack([np.float32(2) * v - np.float32(1) for v in u], -1).reshape(len(ids), -1)[:, :elements]
    else:
        pairs = []
        for a, b in ((u[0], u[1]), (u[2], u[3])):
            r, angle = np.sqrt(-2 * np.log(a.astype(np.float64))), 2 * np.pi * b.astype(np.float64)
            pairs += [(r * np.cos(angle)).astype(np.float32), (r * np.sin(angle)).astype(np.float32)]
        flat = np.stack(pairs, -1).reshape(len(ids), -1)[:, :elements].astype(np.float64)
        if s.norm == "l2" and s.start != "normal":  # a direction, and how far along it
            flat *= u[0][:, elements // 4:elements // 4 + 1] / np.sqrt((flat**2).sum(1, keepdims=True))
    images = flat.reshape(-1, base.SIDE, base.SIDE, base.CHANNELS)
    return torch.from_numpy(images).permute(0, 3, 1, 2).to(dtype)


def per_row(v):
    return v.reshape(-1, 1, 1, 1)


def norm2(d):
    return per_row(d.flatten(1).norm(dim=1))


def moved(s, x, clean, g):
    if s.norm == "linf":
        return torch.min(torch.max(x + s.step * g.sign(), clean - s.radius), clean + s.radius).clamp(0, 1)
    if s.order == "ball_first":
        d = x + s.step * g / (norm2(g) + 1e-10) - clean
        return (clean + d * (s.radius / norm2(d)).clamp(max=1)).clamp(0, 1)
    assert (norm2(g) > 0).all()  # otherwise this step would be noise
    d = (x + s.step * g / norm2(g)).clamp(0, 1) - clean
    return clean + d * (s.radius / norm2(d)).clamp(max=1)


def loss_of(s, z, y, target):
    """One number per sample."""
    if target is not None:
        return F.kl_div(F.log_softmax(z, dim=1), target, reduction="none").sum(1)
    if s.loss == "margin":
        own = z.gather(1, y[:, None])[:, 0]
        other = z.masked_fill(F.one_hot(y, base.CLASSES).bool(), -torch.inf).amax(1)
        return -(own - other + 50).clamp(min=0)
    return F.cross_entropy(z, y, reduction="none")


def set_mode(net, bn):
    """Batch statistics that are not tracked are batch statistics with a momentum of 0."""
    net.train(bn != "eval")
    for i in range(1, len(base.WIDTHS) + 1):
        getattr(net, f"bn{i}").momentum = 0.0 if bn == "no_update" else 0.1


def attack(net, s, x, y, ids, draw):
    set_mode(net, s.bn)
    target = None
    if s.method == "trades":
        with torch.no_grad():
            target = F.softmax(net(x), dim=1)
    best, best_score = x.clone(), torch.full((len(x),), -torch.inf, dtype=x.dtype)
    rule = s.rule if s.returns == "last" else s.returns

    def offer(x_adv, logits, losses):
        score = losses if rule == "best_loss" else (logits.argmax(1) != y).to(x.dtype)
        better = score >= best_score
        best[better], best_score[better] = x_adv[better], score[better]

    for restart in range(s.restarts):
        x_adv = x
        if s.start != "none":
            x_adv = x + (0.001 if s.start == "normal" else s.radius) * start_noise(s, ids, draw, restart, x.dtype)
        if s.start == "uniform":
            x_adv = x_adv.clamp(0, 1)
        m = torch.zeros_like(x)
        for _ in range(s.steps):
            x_adv = x_adv.detach().requires_grad_()
            logits = net(x_adv)
            losses = loss_of(s, logits, y, target)
            (g,) = torch.autograd.grad(losses.sum(), x_adv)
            x_adv = x_adv.detach()
            if s.returns != "last":
                offer(x_adv, logits.detach(), losses.detach())
            if s.momentum > 0:
                m = s.momentum * m + g / per_row(g.abs().flatten(1).mean(1))
                g = m
            x_adv = moved(s, x_adv, x, g)
        if s.restarts > 1 or s.returns != "last" or s.score:
            with torch.no_grad():
                logits = net(x_adv)
                offer(x_adv, logits, loss_of(s, logits, y, target))
        else:
            best = x_adv
    set_mode(net, "train")
    return best


def loss(net, s, x, y, ids, draw):
    if s.method == "standard":
        return F.cross_entropy(net(x), y, label_smoothing=s.smoothing)
    x_adv = attack(net, s, x, y, ids, draw)
    if s.method == "pgd_at":
        return F.cross_entropy(net(x_adv), y, label_smoothing=s.smoothing)
    natural, robust = net(x), net(x_adv)
    if s.clean_updates == 2:
        with torch.no_grad():
            net(x)
    target = F.softmax(natural.detach() if s.stop else natural, dim=1)
    return F.cross_entropy(natural, y) + s.beta * F.kl_div(F.log_softmax(robust, dim=1), target, reduction="batchmean")


def follow(average, net, keep):
    """Parameters and running statistics alike."""
    with torch.no_grad():
        for mean, now in zip(average.state_dict().values(), net.state_dict().values()):
            if mean.is_floating_point():
                mean.copy_(keep * mean + (1 - keep) * now)


def train(name, data, dtype):
    s = SETTINGS[name]
    images, labels, ids, state = data
    net = base.Net().to(dtype)
    net.load_state_dict({k: v.to(dtype) for k, v in state.items()}, strict=False)
    average = copy.deepcopy(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=base.LR, momentum=base.MOMENTUM, weight_decay=base.WEIGHT_DECAY)
    losses = []
    for step in range(base.STEPS):
        b = step % base.BATCHES
        x = images[b].to(dtype)
        value = loss(net, s, x, labels[b], ids[b].numpy(), step + 1)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        if s.clean_pass:
            with torch.no_grad():
                net(x)
        follow(average, net, min(1 - 1 / (step + 2), EMA) if s.ema_warm_up else EMA)
        losses.append(value.item())
    out = {f"{name}/losses": np.array(losses)}
    for which, network in (("final", net), ("ema", average)):
        out |= {f"{name}/{which}/{k}": v.numpy() for k, v in network.state_dict().items() if "num_batches" not in k}
    return out


def main():
    torch.use_deterministic_algorithms(True)
    data = base.make_data()
    arrays = {}
    notes = [f"torch {torch.__version__}, numpy {np.__version__}; f32 differs from f64 by at most, relative:"]
    for name in SETTINGS:
        double, single = train(name, data, torch.float64), train(name, data, torch.float32)
        notes += base.comparison(name, double, single)
        arrays |= {k: v for k, v in double.items() if "/ema/" not in k or name in ("standard_smoothing", "smoothing")}
    base.write(__file__, notes, arrays)


if __name__ == "__main__":
    main()
