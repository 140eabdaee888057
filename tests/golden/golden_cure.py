"""Ten training steps of CURE in PyTorch, under each of its main switches: what tests/trainers/methods/golden_cure_test.cpp compares with.

Written from the paper and its published code, independently of the C++ code but for the random numbers, whose generator is
golden_training.py's. Network, images and starting weights are that script's, too. Everything is computed in f64; the same
runs in f32 show how far single precision alone carries. Writes golden_cure.npz beside this file.

    python3 tests/golden/golden_cure.py
"""
import copy
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

import golden_training as base

PURPOSE_METHOD = 5
RADIUS, STEP, ATTACK_STEPS = 0.031, 0.007, 10


@dataclass
class Setting:
    beta: float = 1.0
    gamma: float = 1.0
    step_loss: str = "total"
    warm_up: int = 0
    percent: float = 30.0
    alpha: float = 0.25
    score: str = "abs"
    robust: str = "cross_entropy"
    maskable: tuple = ("conv", "bn")  # all but the classifier
    scope: str = "per_tensor"
    gate: str = "gradient"
    rate: float = 0.5
    keep: float = 0.9
    keep_warm_up: bool = False
    decay_from: int = 0
    decay_factor: float = 0.5
    attack_bn: str = "eval"
    bn: str = "train"
    kind: str = "average"
    start: str = "uniform"
    stored: tuple = ()  # steps whose gradient sets are kept


SETTINGS = {
    "paper": Setting(start="normal", stored=(0, 9)),
    "paper_uniform": Setting(),
    "code": Setting(beta=5, score="signed_sum", robust="kl", maskable=("conv2", "conv3"), keep=0.999, keep_warm_up=True,
                    stored=(9,)),
    "global_frozen": Setting(score="abs_of_sum", scope="global", gate="all", percent=50, gamma=0.5, stored=(9,)),
    "rgp": Setting(step_loss="weighted", score="step_abs"),
    "grad_mode_all": Setting(step_loss="weighted", score="step_signed", robust="kl", maskable=("conv2", "conv3"),
                             stored=(9,)),
    "weighted_eval_bn": Setting(step_loss="weighted", bn="eval", decay_from=4, rate=1.0, stored=(9,)),
    "efficient": Setting(step_loss="weighted", score="step_abs", warm_up=3, kind="alias", keep=0.875),
    "efficient_intended": Setting(step_loss="weighted", score="step_abs", warm_up=3, keep_warm_up=True),
    "all_masked": Setting(maskable=("conv", "bn", "linear"), attack_bn="train", decay_from=3, decay_factor=0.8, rate=1.0),
    "mask_only": Setting(beta=5, gamma=0),
    "revision_only": Setting(beta=5, percent=0),
}


def bernoulli(step):
    """The uniform number that decides on a revision after `step`."""
    return float(base.unit(base.philox(base.ENGINE_SEED, 0, 0, step, PURPOSE_METHOD)[0]))


def adversarial(net, x, ids, draw, start, bn):
    net.train(bn == "train")
    with torch.no_grad():
        p = F.softmax(net(x), dim=1)
    scale = 0.001 if start == "normal" else RADIUS
    x0 = x + scale * base.image_noise(start, ids, draw, x.dtype)
    x_adv = base.ascend(net, x0, x, lambda z: F.kl_div(F.log_softmax(z, dim=1), p, reduction="sum"), RADIUS, STEP,
                        ATTACK_STEPS)
    net.train()
    return x_adv


def kl(target, logits):
    """KL(softmax(target) || softmax(logits)), mean over the batch."""
    return F.kl_div(F.log_softmax(logits, dim=1), F.softmax(target, dim=1), reduction="batchmean")


def mask_of(s, touched, scores):
    masks = [np.ones(v.shape, dtype=v.dtype) for v in scores]
    if s.scope == "global":
        threshold = np.percentile(np.concatenate([scores[i].ravel() for i in touched]), s.percent)
    for i in touched:
        t = threshold if s.scope == "global" else np.percentile(scores[i], s.percent)
        masks[i][scores[i] < t] = 0
    return masks


class Run:
    """What golden_residual.py does otherwise is in methods of their own."""

    network = base.Net

    def touched(self, number, name):
        return name.startswith(self.s.maskable)

    def epoch_of(self, k):
        return k + 1  # every step is an epoch of its own here

    def decay(self, epoch):
        if self.s.decay_from and epoch >= self.s.decay_from:
            self.rate *= self.s.decay_factor

    def __init__(self, s, data, dtype):
        self.s, self.dtype = s, dtype
        self.images, self.labels, self.ids, state = data
        self.net = self.network().to(dtype)
        self.net.load_state_dict({k: v.to(dtype) for k, v in state.items()}, strict=False)
        self.names = [n for n, _ in self.net.named_parameters()]
        self.params = list(self.net.parameters())
        self.velocity = [torch.zeros_like(p) for p in self.params]
        self.begin_revision()
        self.rev_steps, self.rate = 0, s.rate
        self.losses, self.masks, self.sets = [], [], {}

    def gradients(self, loss):
        if not loss.requires_grad:
            return [torch.zeros_like(p) for p in self.params]
        got = torch.autograd.grad(loss, self.params, retain_graph=True, allow_unused=True)
        return [torch.zeros_like(p) if g is None else g for p, g in zip(self.params, got)]

    def begin_revision(self):
        self.rev = copy.deepcopy(self.net)
        if self.s.kind == "alias":
            for r, p in zip(self.rev.parameters(), self.params):
                r.data = p.data  # one memory for both

    def revision_logits(self, x):
        self.rev.train(self.s.bn == "train")
        with torch.no_grad():
            return self.rev(x)

    def step(self, k):
        s, b = self.s, k % base.BATCHES
        x, y, ids = self.images[b].to(self.dtype), self.labels[b], self.ids[b].numpy()
        epoch = self.epoch_of(k)
        if epoch <= s.warm_up:
            self.net.train()
            loss = F.cross_entropy(self.net(x), y)
            self.losses.append(loss.item())
            self.move(self.gradients(loss), None)
            if epoch == s.warm_up:
                self.begin_revision()
            return
        x_adv = adversarial(self.net, x, ids, epoch, s.start, s.attack_bn)
        natural, robust = self.net(x), self.net(x_adv)
        ce_nat, ce_adv, robust_kl = F.cross_entropy(natural, y), F.cross_entropy(robust, y), kl(natural, robust)
        term = robust_kl if s.robust == "kl" else ce_adv
        consistency = torch.zeros((), dtype=self.dtype)
        if s.gamma > 0:
            consistency = kl(self.revision_logits(x), natural) + kl(self.revision_logits(x_adv), robust)
        if s.step_loss == "total":
            loss = ce_nat + s.beta * robust_kl + s.gamma * consistency
        else:
            loss = s.alpha * ce_nat + (1 - s.alpha) * term + s.gamma * consistency
        self.losses.append(loss.item())
        total, g_nat, g_rob = self.gradients(loss), self.gradients(ce_nat), self.gradients(term)
        masks = None
        if s.percent > 0:
            score = {
                "abs": lambda n, r, t: s.alpha * n.abs() + (1 - s.alpha) * r.abs(),
                "signed_sum": lambda n, r, t: s.alpha * n + (1 - s.alpha) * r,
                "abs_of_sum": lambda n, r, t: (s.alpha * n + (1 - s.alpha) * r).abs(),
                "step_abs": lambda n, r, t: t.abs(),
                "step_signed": lambda n, r, t: t,
            }[s.score]
            scores = [score(*g) for g in zip(g_nat, g_rob, total)]
            touched = [i for i, n in enumerate(self.names) if self.touched(i, n)]
            masks = mask_of(s, touched, [v.numpy() for v in scores])
            self.masks.append(np.concatenate([to_ours(m).ravel() for m in masks]))
            if k in s.stored:
                self.sets[k] = {"natural": g_nat, "score": scores, "total": total}
        self.move(total, masks)
        if s.gamma > 0:
            self.revise(k, epoch)

    def move(self, gradients, masks):
        for i, (p, v, g) in enumerate(zip(self.params, self.velocity, gradients)):
            m = torch.ones_like(p) if masks is None else torch.from_numpy(masks[i])
            new_v = base.MOMENTUM * v + (m * g + base.WEIGHT_DECAY * p.data)
            new_p = p.data - base.LR * new_v
            if self.s.gate == "all":
                new_v, new_p = torch.where(m > 0, new_v, v), torch.where(m > 0, new_p, p.data)
            v.copy_(new_v)
            p.data.copy_(new_p)

    def revise(self, k, epoch):
        s = self.s
        self.rev_steps += 1
        self.decay(epoch)
        if bernoulli(k) >= self.rate:
            return
        a = min(1 - 1 / (self.rev_steps + 1), s.keep) if s.keep_warm_up else s.keep
        for r, p in zip(self.rev.parameters(), self.params):
            r.data.mul_(a).add_(p.data, alpha=1 - a)


def to_ours(m):
    """Filters (K, C, R, S) as the C++ code holds them: (K, R, S, C)."""
    return np.moveaxis(m, 1, -1) if m.ndim == 4 else m


def train(name, data, dtype):
    run = Run(SETTINGS[name], data, dtype)
    for k in range(base.STEPS):
        run.step(k)
    out = {f"{name}/losses": np.array(run.losses)}
    for which, net in (("final", run.net), ("revision", run.rev)):
        if which == "revision" and run.s.gamma == 0:
            continue
        out |= {f"{name}/{which}/{k}": v.numpy() for k, v in net.state_dict().items() if "num_batches" not in k}
    if run.masks:
        out[f"{name}/masks"] = np.stack(run.masks).astype(np.uint8)
    for k, sets in run.sets.items():
        for kind, tensors in sets.items():
            out[f"{name}/step{k}/{kind}"] = np.concatenate([to_ours(t.numpy()).ravel() for t in tensors])
    return out


def percentile_cases():
    """NumPy's percentiles of awkward arrays, and which values lie strictly below."""
    generator = np.random.default_rng(7)
    lists = {
        "one": np.array([-2.5]),
        "two": np.array([3.0, -1.0]),
        "equal": np.full(9, 0.1),
        "ties": generator.integers(-3, 4, 500) / 4,
        "zeros": np.concatenate([np.zeros(300), -np.zeros(50), generator.standard_normal(50)]),
        "wide": generator.standard_normal(3001) * 10.0 ** generator.integers(-30, 30, 3001),
    }
    out = {}
    for name, values in lists.items():
        percents = np.array([0, 12.5, 30, 50, 66.6, 99.9, 100])
        thresholds = np.array([np.percentile(values, p) for p in percents])
        out |= {f"percentile/{name}/values": values, f"percentile/{name}/percents": percents,
                f"percentile/{name}/thresholds": thresholds,
                f"percentile/{name}/below": np.stack([values < t for t in thresholds]).astype(np.uint8)}
    return out


def main():
    torch.use_deterministic_algorithms(True)
    data = base.make_data()
    arrays = percentile_cases()
    notes = [f"torch {torch.__version__}, numpy {np.__version__}; f32 differs from f64 by at most, relative:"]
    for name in SETTINGS:
        double, single = train(name, data, torch.float64), train(name, data, torch.float32)
        worst = {}
        for key, value in double.items():
            kind = key.split("/")[1]
            if kind == "masks":
                worst["mask flips"] = int((single[key] != value).sum())
                continue
            difference = np.abs(single[key].astype(np.float64) - value).max() / max(1, np.abs(value).max())
            worst[kind] = max(worst.get(kind, 0), difference)
        notes.append(f"{name}: " + ", ".join(f"{k} {v:.1e}" if isinstance(v, float) else f"{k} {v}" for k, v in worst.items()))
        notes.append(f"  losses {np.array2string(double[name + '/losses'], precision=6)}")
        if name + "/masks" in double:
            notes.append(f"  share of all weights that moved: {double[name + '/masks'].mean():.4f}")
        arrays |= double
    base.write(__file__, notes, arrays)


if __name__ == "__main__":
    main()
