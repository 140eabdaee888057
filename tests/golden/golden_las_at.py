"""Ten training steps of LAS-AT, LAS-TRADES and LAS-AWP in PyTorch, under each of their switches: what
tests/trainers/methods/golden_las_at_test.cpp compares against.

Written from the paper (Jia et al. 2022) and from what its published code does, independently of the C++ code but for the
random numbers, whose generator is golden_training.py's. Network, images and starting weights are that script's, too.
Everything is computed in f64; the same runs in f32 are only compared with that. Writes golden_las_at.npz beside this file,
and the strategy network's starting weights to golden_las_at_policy.npz.

    python3 tests/golden/golden_las_at.py
"""
import copy
import pathlib
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F

import golden_awp as awp
import golden_training as base

POLICY_SEED = 5
POLICY_WIDTHS, POLICY_STRIDES, OUTPUTS = (5, 7), (1, 2), 7


@dataclass
class Setting:
    method: str = "at"
    smoothing: float = 0.25
    # the lists, in this order: one head each
    radius: tuple = (8 / 255, 16 / 255, 24 / 255)
    steps: tuple = (2, 4)
    step: tuple = (3 / 255, 8 / 255)
    beta: tuple = ()
    # the attack
    start: str = "uniform"  # clipped; "wide": not clipped; "normal"
    start_radius: float = 12 / 255  # 0: each image's own
    final_radius: float = 0.0
    gamma: float = 0.0  # of the adversarial weight perturbation of the network's step
    # the strategy network
    every: int = 2
    lr: float = 0.5
    momentum: float = 0.0
    weight_decay: float = 0.0
    milestone: int = 0  # from this epoch on a tenth of the rate
    clip: float = 1.0  # 0: none. Where the clip acts, the reward's size has no effect
    # the reward
    trial_smoothing: float = 0.25
    max_loss: float = 1.5
    robust_weight: float = 4.0
    clean_weight: float = 2.0
    loss_bn: str = "eval"
    judge_bn: str = "train"
    judge_rests: bool = False
    judge: tuple = (12 / 255, 4 / 255, 3, 2)  # radius, step, steps, restarts


TRADES = Setting("trades", smoothing=0, radius=(8 / 255, 16 / 255), step=(4 / 255,), beta=(2.0, 6.0), start="normal",
                 every=1, momentum=0.9, weight_decay=5e-4, milestone=5, trial_smoothing=0, max_loss=20, robust_weight=8,
                 clean_weight=4)
SETTINGS = {
    "las_at": Setting(),
    "las_at_eval": Setting(every=1, lr=0.05, clip=0, start_radius=0, judge_bn="eval", judge_rests=True, max_loss=10),
    "las_awp": Setting(every=1, lr=0.05, clip=0, final_radius=8 / 255, gamma=0.01, smoothing=0, robust_weight=1, clean_weight=1),
    "las_trades": TRADES,
    "las_trades_code": replace(TRADES, lr=0.02, clip=0, start="wide", start_radius=0, loss_bn="train"),
}


class Policy(torch.nn.Module):
    def __init__(self):
        super().__init__()
        channels = base.CHANNELS
        for i, (width, stride) in enumerate(zip(POLICY_WIDTHS, POLICY_STRIDES), start=1):
            setattr(self, f"conv{i}", torch.nn.Conv2d(channels, width, 3, stride, 1, bias=False))
            setattr(self, f"bn{i}", torch.nn.BatchNorm2d(width))
            channels = width
        self.linear = torch.nn.Linear(channels, OUTPUTS)

    def forward(self, x):
        for i in range(1, len(POLICY_WIDTHS) + 1):
            x = F.relu(getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x)))
        return self.linear(x.mean((2, 3)))


def policy_weights():
    torch.manual_seed(POLICY_SEED)
    policy = Policy()
    with torch.no_grad():
        policy.linear.weight.mul_(4)  # images that differ in what they choose
    return {k: v.clone() for k, v in policy.state_dict().items() if "num_batches" not in k}


def words(stream, ids, count, draw, substream):
    seed = base.ENGINE_SEED if stream == "attack" else base.derived(stream)
    groups = np.arange((count + 3) // 4)[None, :]
    out = base.philox(seed, groups, np.asarray(ids)[:, None], draw, base.PURPOSE_ATTACK | substream << 8)
    return [base.unit(w) for w in out]


def start_noise(kind, stream, ids, draw, dtype, substream=0):
    """Unit noise as images."""
    count = base.SIDE * base.SIDE * base.CHANNELS
    if kind == "normal":
        seed = base.ENGINE_SEED if stream == "attack" else base.derived(stream)
        assert substream == 0
        return base.image_noise("normal", ids, draw, dtype, seed)
    u = words(stream, ids, count, draw, substream)
    flat = np.stack([np.float32(2) * v - np.float32(1) for v in u], -1).reshape(len(ids), -1)[:, :count]
    images = flat.reshape(-1, base.SIDE, base.SIDE, base.CHANNELS)
    return torch.from_numpy(images).permute(0, 3, 1, 2).to(dtype)


def categorical(logits, stream, ids, draw):
    """An index for each row, drawn from softmax(logits): the largest of logits plus Gumbel noise."""
    count = logits.shape[1]
    u = np.stack(words(stream, ids, count, draw, 0), -1).reshape(len(ids), -1)[:, :count].astype(np.float64)
    return torch.from_numpy(np.argmax(logits.detach().double().numpy() - np.log(-np.log(u)), axis=1))


def per_row(values):
    return values.reshape(-1, 1, 1, 1)


def smoothed(z, y, smoothing):
    return F.cross_entropy(z, y, label_smoothing=smoothing)


class Run:
    def __init__(self, s, data, dtype):
        self.s, self.dtype = s, dtype
        self.images, self.labels, self.ids, state = data
        self.net, self.policy = base.Net().to(dtype), Policy().to(dtype)
        self.net.load_state_dict({k: v.to(dtype) for k, v in state.items()}, strict=False)
        self.policy.load_state_dict({k: v.to(dtype) for k, v in policy_weights().items()}, strict=False)
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=base.LR, momentum=base.MOMENTUM,
                                         weight_decay=base.WEIGHT_DECAY)
        self.policy_optimizer = torch.optim.SGD(self.policy.parameters(), lr=s.lr, momentum=s.momentum,
                                                weight_decay=s.weight_decay)
        self.heads = [(k, v) for k, v in (("radius", s.radius), ("steps", s.steps), ("step", s.step), ("beta", s.beta))
                      if v]
        assert sum(len(v) for _, v in self.heads) == OUTPUTS
        self.losses, self.rewards, self.first, self.gradients = [], [], None, {}

    def choose(self, outputs, prefix, ids, draw):
        """The values of each head, and the mean over the images of -log P, summed over the heads."""
        values, minus_log, at = {}, 0, 0
        for name, choices in self.heads:
            logits = outputs[:, at:at + len(choices)]
            index = categorical(logits, prefix + name, ids, draw)
            values[name] = torch.tensor(choices, dtype=self.dtype if name != "steps" else torch.int64)[index]
            minus_log = minus_log - torch.distributions.Categorical(logits=logits).log_prob(index).mean()
            at += len(choices)
        return values, minus_log

    def attacked(self, x, y, ids, draw, values, stream):
        s, radius = self.s, per_row(values["radius"])
        self.net.eval()
        if s.start == "normal":
            x_adv = x + 0.001 * start_noise("normal", stream, ids, draw, self.dtype)
        else:
            x_adv = x + (s.start_radius or radius) * start_noise("uniform", stream, ids, draw, self.dtype)
        if s.start == "uniform":
            x_adv = x_adv.clamp(0, 1)
        with torch.no_grad():
            p = F.softmax(self.net(x), dim=1)
        for k in range(max(s.steps)):
            x_adv = x_adv.detach().requires_grad_()
            z = self.net(x_adv)
            loss = F.kl_div(F.log_softmax(z, dim=1), p, reduction="sum") if s.method == "trades" else F.cross_entropy(
                z, y, reduction="sum")
            (g,) = torch.autograd.grad(loss, x_adv)
            moved = x_adv.detach() + per_row(values["step"]) * g.sign()
            moved = torch.min(torch.max(moved, x - radius), x + radius).clamp(0, 1)
            x_adv = torch.where(per_row(values["steps"] > k), moved, x_adv.detach())
        return x_adv

    def loss(self, net, x, x_adv, y, values, smoothing):
        if self.s.method == "at":
            return smoothed(net(x_adv), y, smoothing)
        natural, adversarial = net(x), net(x_adv)
        kl = F.kl_div(F.log_softmax(adversarial, dim=1), F.softmax(natural, dim=1), reduction="none").sum(1)
        return smoothed(natural, y, smoothing) + (values["beta"] * kl).mean()

    def judged(self, net, x, y, ids, draw):
        """The images that the judge finds on `net`: of its restarts the one of higher loss, the later one of equal ones."""
        radius, step, steps, restarts = self.s.judge
        net.train(self.s.judge_bn == "train")
        best, worst_case = torch.full((len(y),), -np.inf, dtype=self.dtype), x.clone()
        for restart in range(restarts):
            at = (x + radius * start_noise("uniform", "judge", ids, draw, self.dtype, restart)).clamp(0, 1)
            for _ in range(steps):
                at = at.detach().requires_grad_()
                z = net(at)
                (g,) = torch.autograd.grad(F.cross_entropy(z, y, reduction="sum"), at)
                moved = at.detach() + step * g.sign()
                moved = torch.min(torch.max(moved, x - radius), x + radius).clamp(0, 1)
                moves = z.argmax(1) == y if self.s.judge_rests else torch.ones_like(y, dtype=torch.bool)
                at = torch.where(per_row(moves), moved, at.detach())
            with torch.no_grad():
                loss = F.cross_entropy(net(at), y, reduction="none")
            worst_case = torch.where(per_row(loss >= best), at, worst_case)
            best = torch.max(best, loss)
        return worst_case

    def reward(self, x, x_adv, y, ids, draw, values):
        s = self.s
        self.net.train(s.loss_bn == "train")
        with torch.no_grad():
            hard = min(self.loss(self.net, x, x_adv, y, values, 0).item(), s.max_loss)
        trial = copy.deepcopy(self.net).train()
        once = torch.optim.SGD(trial.parameters(), lr=base.LR, weight_decay=base.WEIGHT_DECAY)
        once.zero_grad()
        self.loss(trial, x, x_adv, y, values, s.trial_smoothing).backward()
        once.step()
        x_judge = self.judged(trial, x, y, ids, draw)
        trial.eval()
        with torch.no_grad():
            robust, clean = ((trial(v).argmax(1) == y).double().mean().item() for v in (x_judge, x))
        return hard + s.robust_weight * robust + s.clean_weight * clean

    def step(self, k):
        s, b, draw = self.s, k % base.BATCHES, k + 1
        x, y, ids = self.images[b].to(self.dtype), self.labels[b], self.ids[b].numpy()
        self.policy.eval()
        with torch.no_grad():
            values, _ = self.choose(self.policy(x), "strategy.", ids, draw)
        x_adv = self.attacked(x, y, ids, draw, values, "attack")
        self.first = x_adv if self.first is None else self.first
        if s.final_radius:
            x_adv = torch.min(torch.max(x_adv, x - s.final_radius), x + s.final_radius).clamp(0, 1)
        self.net.train()
        names, params = zip(*self.net.named_parameters())
        v = [None] * len(params)
        if s.gamma:
            proxy = copy.deepcopy(self.net)
            ascent = torch.autograd.grad(self.loss(proxy, x, x_adv, y, values, s.smoothing), list(proxy.parameters()))
            v = awp.perturbation(names, params, ascent, s.gamma)
        awp.add(params, v, 1)
        loss = self.loss(self.net, x, x_adv, y, values, s.smoothing)
        self.losses.append(loss.item())
        self.optimizer.zero_grad()
        loss.backward()
        if k == 0:
            self.gradients = {n: to_ours(p.grad.numpy().copy()) for n, p in self.net.named_parameters()}
        self.optimizer.step()
        awp.add(params, v, -1)
        if (k + 1) % s.every == 0:
            self.learn(x, y, ids, draw)

    def learn(self, x, y, ids, draw):
        s = self.s
        self.policy.train()
        values, minus_log = self.choose(self.policy(x), "learning ", ids, draw)
        x_adv = self.attacked(x, y, ids, draw, values, "learning attack")
        reward = self.reward(x, x_adv, y, ids, draw, values)
        self.rewards.append(reward)
        self.policy_optimizer.zero_grad()
        (minus_log * np.float32(reward).item()).backward()
        if s.clip:
            torch.nn.utils.clip_grad_norm_(self.policy.parameters(), s.clip)
        self.policy_optimizer.param_groups[0]["lr"] = s.lr * (0.1 if s.milestone and draw >= s.milestone else 1)
        self.policy_optimizer.step()


def to_ours(m):
    """Filters (K, C, R, S) as the C++ code holds them: (K, R, S, C)."""
    return np.moveaxis(m, 1, -1) if m.ndim == 4 else m


def train(name, data, dtype):
    run = Run(SETTINGS[name], data, dtype)
    for k in range(base.STEPS):
        run.step(k)
    out = {f"{name}/losses": np.array(run.losses), f"{name}/rewards": np.array(run.rewards),
           f"{name}/x_adv": base.nhwc(run.first).numpy()}
    out |= {f"{name}/gradient/{k}": v for k, v in run.gradients.items()}
    for which, net in (("final", run.net), ("final_policy", run.policy)):
        out |= {f"{name}/{which}/{k}": v.numpy() for k, v in net.state_dict().items() if "num_batches" not in k}
    return out


def main():
    torch.use_deterministic_algorithms(True)
    data = base.make_data()
    start = {k: v.numpy() for k, v in policy_weights().items()}
    np.savez_compressed(pathlib.Path(__file__).with_name("golden_las_at_policy.npz"), **start)
    arrays = {}
    notes = [f"torch {torch.__version__}, numpy {np.__version__}; f32 differs from f64 by at most, relative:"]
    for name in SETTINGS:
        double, single = train(name, data, torch.float64), train(name, data, torch.float32)
        notes += base.comparison(name, double, single)
        notes.append(f"  rewards {np.array2string(double[name + '/rewards'], precision=6)}")
        arrays |= double
    base.write(__file__, notes, arrays)


if __name__ == "__main__":
    main()
