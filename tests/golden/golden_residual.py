"""Ten training steps of a residual network in PyTorch, three an epoch: CURE's masks by real names, its rate that falls by
steps or epochs, and natural training under switches of the optimiser and of the moving average. What
tests/trainers/methods/golden_residual_test.cpp compares against.

Random numbers and images are golden_training.py's, CURE is golden_cure.py's; the optimiser and update_bn are PyTorch's own.
Everything is computed in f64; the same runs in f32 are only compared with that. Writes golden_residual.npz beside this file.

    python3 tests/golden/golden_residual.py
"""
import copy
import fnmatch
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

import golden_cure as cure
import golden_training as base

WIDTHS = (6, 8)
STEPS_AN_EPOCH = 3
EMA = 0.8
CODE = cure.Setting(beta=5, score="signed_sum", robust="kl", keep=0.999, keep_warm_up=True)
CURE = {
    "conv1": (replace(CODE, decay_from=2, decay_factor=0.75), "conv1", "step"),
    "globs": (replace(CODE, rate=1.0, decay_from=2, decay_factor=0.75), ["layer*.conv?.weight"], "epoch"),
    "shortcuts": (replace(CODE, score="abs", decay_from=3), ["*shortcut*", "layer2.0.bn2.bias"], "step"),
}
# nesterov, parameters without weight decay, BatchNorm of the average
PLAIN = {
    "nesterov": (True, [], "average"),
    "no_decay": (False, ["*.bias", "*bn?.weight"], "copy"),
    "both": (True, ["*.bias", "linear.*"], "estimate"),
}


class Block(torch.nn.Module):
    def __init__(self, channels, width, stride):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(width)
        self.conv2 = torch.nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = torch.nn.BatchNorm2d(width)
        self.shortcut = torch.nn.Sequential()
        if stride != 1 or channels != width:
            self.shortcut = torch.nn.Sequential(torch.nn.Conv2d(channels, width, 1, stride, bias=False),
                                                torch.nn.BatchNorm2d(width))

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.shortcut(x))


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(base.CHANNELS, WIDTHS[0], 3, 1, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(WIDTHS[0])
        self.layer1 = torch.nn.Sequential(Block(WIDTHS[0], WIDTHS[0], 1))
        self.layer2 = torch.nn.Sequential(Block(WIDTHS[0], WIDTHS[1], 2))
        self.linear = torch.nn.Linear(WIDTHS[1], base.CLASSES)

    def forward(self, x):
        x = self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x)))))
        return self.linear(x.mean((2, 3)))


class Run(cure.Run):
    network = Net

    def __init__(self, s, names, decay_every, data, dtype):
        self.masked, self.decay_every = names, decay_every
        super().__init__(s, data, dtype)

    def touched(self, number, name):
        if self.masked == "conv1":  # as the published code finds them
            return "conv1" in name and number > 0
        return any(fnmatch.fnmatchcase(name, glob) for glob in self.masked)

    def epoch_of(self, k):
        return k // STEPS_AN_EPOCH + 1

    def decay(self, epoch):
        if self.decay_every == "step":
            return super().decay(epoch)
        self.rate = self.s.rate * self.s.decay_factor ** max(0, epoch - self.s.decay_from + 1)


def state_of(net):
    return {k: v.numpy() for k, v in net.state_dict().items() if "num_batches" not in k}


def train_cure(name, data, dtype):
    s, names, decay_every = CURE[name]
    run = Run(s, names, decay_every, data, dtype)
    for k in range(base.STEPS):
        run.step(k)
    out = {f"{name}/losses": np.array(run.losses), f"{name}/masks": np.stack(run.masks).astype(np.uint8)}
    for which, net in (("final", run.net), ("revision", run.rev)):
        out |= {f"{name}/{which}/{k}": v for k, v in state_of(net).items()}
    return out


def train_plain(name, data, dtype):
    nesterov, no_decay, bn = PLAIN[name]
    images, labels, _, state = data
    net = Net().to(dtype)
    net.load_state_dict({k: v.to(dtype) for k, v in state.items()}, strict=False)
    net.train()
    exempt = lambda n: any(fnmatch.fnmatchcase(n, glob) for glob in no_decay)
    groups = [{"params": [p for n, p in net.named_parameters() if exempt(n) == without],
               "weight_decay": 0.0 if without else base.WEIGHT_DECAY} for without in (False, True)]
    optimizer = torch.optim.SGD(groups, lr=base.LR, momentum=base.MOMENTUM, nesterov=nesterov)
    average = copy.deepcopy(net)
    losses = []
    for step in range(base.STEPS):
        b = step % base.BATCHES
        value = F.cross_entropy(net(images[b].to(dtype)), labels[b])
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        losses.append(value.item())
        with torch.no_grad():
            for mean, now in zip(average.parameters(), net.parameters()):
                mean.copy_(EMA * mean + (1 - EMA) * now)
            for mean, now in zip(average.buffers(), net.buffers()):
                if mean.is_floating_point():
                    mean.copy_(EMA * mean + (1 - EMA) * now if bn == "average" else now)
    if bn == "estimate":
        torch.optim.swa_utils.update_bn([x.to(dtype) for x in images], average)
    out = {f"{name}/losses": np.array(losses)}
    for which, network in (("final", net), ("ema", average)):
        out |= {f"{name}/{which}/{k}": v for k, v in state_of(network).items()}
    return out


def make_data():
    images, labels, _, _ = base.make_data()
    pixels = (images * 255).round().to(torch.uint8)
    torch.manual_seed(base.SEED)
    net = Net()
    with torch.no_grad():
        for name, p in net.named_parameters():
            if "bn" in name:
                p.add_(0.3 * torch.randn(p.shape))
        net.linear.weight.mul_(8)
    ids = torch.arange(base.BATCHES * base.BATCH).reshape(base.BATCHES, base.BATCH)
    return pixels, labels, ids, {k: v.clone() for k, v in net.state_dict().items() if "num_batches" not in k}


def main():
    torch.use_deterministic_algorithms(True)
    pixels, labels, ids, state = make_data()
    arrays = {f"init/{k}": v.numpy() for k, v in state.items()}
    arrays |= {"pixels": base.nhwc(pixels).numpy(), "labels": labels.int().numpy()}
    data = (pixels.double() / 255, labels, ids, state)
    notes = [f"torch {torch.__version__}, numpy {np.__version__}, seed {base.SEED}; f32 differs from f64 by at most, relative:"]
    for names, train in ((CURE, train_cure), (PLAIN, train_plain)):
        for name in names:
            double, single = train(name, data, torch.float64), train(name, data, torch.float32)
            masks = f"{name}/masks"
            flips = [int((single.pop(masks) != double[masks]).sum())] if masks in double else []
            notes += base.comparison(name, {k: v for k, v in double.items() if k != masks}, single)
            notes += [f"  mask flips {n} of {double[masks].size}" for n in flips]
            arrays |= double
    base.write(__file__, notes, arrays)


if __name__ == "__main__":
    main()
