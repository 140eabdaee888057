"""Ten training steps of standard, PGD-AT and TRADES in PyTorch: what tests/trainers/methods/golden_training_test.cpp compares against.

Independent of the C++ code but for the random numbers: the generator (Philox4x32-10) is written again here in NumPy, so
that both sides attack from the same starts. Everything is computed in f64; the same runs in f32 are only compared with
that, to see how far single precision alone carries. Writes golden_training.npz beside this file.

    python3 tests/golden/golden_training.py
"""
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

SEED = 22
STEPS, BATCHES, BATCH, SIDE, CHANNELS, CLASSES = 10, 4, 6, 6, 3, 4
WIDTHS, STRIDES = (6, 8, 10), (1, 2, 2)
LR, MOMENTUM, WEIGHT_DECAY = 0.05, 0.9, 5e-4
ENGINE_SEED, PURPOSE_ATTACK = 11, 4
PGD = dict(radius=8 / 255, step=2 / 255, steps=5)
TRADES = dict(radius=0.031, step=0.007, steps=10)
BETA = 6.0


# Random starts -------------------------------------------------------------------------------------------------------


def philox(seed, c0, c1, c2, c3):
    """Salmon et al. 2011: four uint32 arrays from counters and a 64-bit key."""
    mask = np.uint64(0xFFFFFFFF)
    x = [np.asarray(c, dtype=np.uint64) for c in np.broadcast_arrays(c0, c1, c2, c3)]
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * x[0], np.uint64(0xCD9E8D57) * x[2]
        x = [(p1 >> np.uint64(32)) ^ x[1] ^ np.uint64(k0), p1 & mask, (p0 >> np.uint64(32)) ^ x[3] ^ np.uint64(k1),
             p0 & mask]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return [v.astype(np.uint32) for v in x]


assert [int(v) for v in philox(0, 0, 0, 0, 0)] == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]


def unit(words):
    return ((words >> np.uint32(9)).astype(np.float32) + np.float32(0.5)) * np.float32(2.0**-23)


def derived(name, seed=ENGINE_SEED):
    """The seed of the stream of random numbers of this name: FNV-1a, mixed into `seed` as SplitMix64 ends."""
    mask = 2**64 - 1

    def mix(z):
        z = (z + 0x9E3779B97F4A7C15) & mask
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return z ^ (z >> 31)

    digest = 0xCBF29CE484222325
    for byte in name.encode():
        digest = ((digest ^ byte) * 0x100000001B3) & mask
    return mix(seed ^ mix(digest))


def noise(kind, ids, elements, draw, seed=ENGINE_SEED):
    """Unit noise (len(ids), elements) in f32: uniform in (-1, 1), or standard normal."""
    groups = np.arange((elements + 3) // 4)[None, :]
    words = philox(seed, groups, np.asarray(ids)[:, None], draw, PURPOSE_ATTACK)
    u = [unit(w) for w in words]
    if kind == "uniform":
        out = [np.float32(2) * v - np.float32(1) for v in u]
    else:
        out = []
        for a, b in ((u[0], u[1]), (u[2], u[3])):
            radius, angle = np.sqrt(-2 * np.log(a.astype(np.float64))), 2 * np.pi * b.astype(np.float64)
            out += [(radius * np.cos(angle)).astype(np.float32), (radius * np.sin(angle)).astype(np.float32)]
    return np.stack(out, axis=-1).reshape(len(ids), -1)[:, :elements]


def image_noise(kind, ids, draw, dtype, seed=ENGINE_SEED):
    """As images (N, C, H, W); elements are numbered in (H, W, C) order."""
    flat = noise(kind, ids, SIDE * SIDE * CHANNELS, draw, seed).reshape(-1, SIDE, SIDE, CHANNELS)
    return torch.from_numpy(flat).permute(0, 3, 1, 2).to(dtype)


# Network and data ----------------------------------------------------------------------------------------------------


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        channels = CHANNELS
        for i, (width, stride) in enumerate(zip(WIDTHS, STRIDES), start=1):
            setattr(self, f"conv{i}", torch.nn.Conv2d(channels, width, 3, stride, 1, bias=False))
            setattr(self, f"bn{i}", torch.nn.BatchNorm2d(width))
            channels = width
        self.linear = torch.nn.Linear(channels, CLASSES)

    def forward(self, x):
        for i in range(1, len(WIDTHS) + 1):
            x = F.relu(getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x)))
        return self.linear(x.mean((2, 3)))


def make_data():
    """Pixels and weights are f32 numbers, so that f64 and f32 start from the same ones."""
    generator = torch.Generator().manual_seed(SEED)
    labels = torch.randint(CLASSES, (BATCHES, BATCH), generator=generator)
    prototypes = torch.rand(CLASSES, CHANNELS, SIDE, SIDE, generator=generator)
    images = 0.6 * prototypes[labels] + 0.4 * torch.rand(BATCHES, BATCH, CHANNELS, SIDE, SIDE, generator=generator)
    images[images < 0.1], images[images > 0.9] = 0, 1  # some pixels on the border of the box
    ids = torch.randperm(50000, generator=generator)[: BATCHES * BATCH].reshape(BATCHES, BATCH)
    torch.manual_seed(SEED)
    net = Net()
    with torch.no_grad():
        for name, p in net.named_parameters():
            if name.startswith("bn"):
                p.add_(0.3 * torch.randn(p.shape, generator=generator))
        net.linear.weight.mul_(8)  # decided predictions, so that the KL term is more than rounding in f32
    return images, labels, ids, {k: v.clone() for k, v in net.state_dict().items() if "num_batches" not in k}


# Methods -------------------------------------------------------------------------------------------------------------


def ascend(net, start, clean, loss_of, radius, step, steps):
    x = start
    for _ in range(steps):
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(loss_of(net(x)), x)
        x = x.detach() + step * gradient.sign()
        x = torch.min(torch.max(x, clean - radius), clean + radius).clamp(0, 1)
    return x.detach()


def standard(net, x, y, ids, draw):
    net.train()
    return F.cross_entropy(net(x), y), x


def pgd_at(train_mode):
    def loss(net, x, y, ids, draw):
        net.train(train_mode)
        start = (x + PGD["radius"] * image_noise("uniform", ids, draw, x.dtype)).clamp(0, 1)
        x_adv = ascend(net, start, x, lambda z: F.cross_entropy(z, y, reduction="sum"), **PGD)
        net.train()
        return F.cross_entropy(net(x_adv), y), x_adv

    return loss


def trades(kind, scale):
    def loss(net, x, y, ids, draw):
        net.eval()
        with torch.no_grad():
            p = F.softmax(net(x), dim=1)
        start = x + scale * image_noise(kind, ids, draw, x.dtype)
        x_adv = ascend(net, start, x, lambda z: F.kl_div(F.log_softmax(z, dim=1), p, reduction="sum"), **TRADES)
        net.train()
        natural = net(x)
        robust = F.kl_div(F.log_softmax(net(x_adv), dim=1), F.softmax(natural, dim=1), reduction="batchmean")
        return F.cross_entropy(natural, y) + BETA * robust, x_adv

    return loss


# So near the clean image the gradient of the KL term is a difference of nearly equal probabilities: in f32 the first
# steps' signs are partly rounding. trades_uniform starts far enough away for f32 to be compared too.
METHODS = {
    "standard": standard,
    "pgd_at_eval": pgd_at(False),
    "pgd_at_train": pgd_at(True),
    "trades": trades("normal", 0.001),
    "trades_uniform": trades("uniform", TRADES["radius"]),
}


def train(method, data, dtype):
    images, labels, ids, state = data
    net = Net().to(dtype)
    net.load_state_dict({k: v.to(dtype) for k, v in state.items()}, strict=False)
    optimizer = torch.optim.SGD(net.parameters(), lr=LR, momentum=MOMENTUM, weight_decay=WEIGHT_DECAY)
    losses, first = [], None
    for step in range(STEPS):
        b = step % BATCHES
        loss, x_adv = METHODS[method](net, images[b].to(dtype), labels[b], ids[b].numpy(), step + 1)
        first = x_adv if first is None else first
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    out = {f"{method}/final/{k}": v.numpy() for k, v in net.state_dict().items() if "num_batches" not in k}
    out[f"{method}/losses"] = np.array(losses)
    out[f"{method}/x_adv"] = nhwc(first).numpy()
    return out


def nhwc(images):
    return images.movedim(-3, -1).contiguous()


def comparison(name, double, single):
    """Notes of a run in f64: how far each kind of its arrays is from the one in f32, and its losses."""
    worst = {}
    for key, value in double.items():
        kind = key.split("/")[1]
        difference = np.abs(single[key] - value).max() / max(1, np.abs(value).max())
        worst[kind] = max(worst.get(kind, 0), difference)
    return [f"{name}: " + ", ".join(f"{k} {v:.1e}" for k, v in worst.items()),
            f"  losses {np.array2string(double[name + '/losses'], precision=6)}"]


def write(script, notes, arrays):
    """Writes the arrays, and the notes as where they come from, beside the script."""
    text = "\n".join(notes)
    path = pathlib.Path(script).with_suffix(".npz")
    np.savez_compressed(path, **arrays, provenance=np.frombuffer(text.encode(), dtype=np.uint8))
    print(text)
    print(f"{path.name}: {path.stat().st_size} bytes")


def main():
    torch.use_deterministic_algorithms(True)
    data = make_data()
    images, labels, ids, state = data
    arrays = {f"init/{k}": v.numpy() for k, v in state.items()}
    arrays |= {"images": nhwc(images).numpy(), "labels": labels.int().numpy(), "ids": ids.int().numpy()}
    for kind in ("uniform", "normal"):
        arrays[f"noise/{kind}"] = noise(kind, ids[0].numpy(), SIDE * SIDE * CHANNELS, 1)
    notes = [f"torch {torch.__version__}, numpy {np.__version__}, seed {SEED}; f32 differs from f64 by at most, relative:"]
    for method in METHODS:
        double, single = train(method, data, torch.float64), train(method, data, torch.float32)
        notes += comparison(method, double, single)
        arrays |= double
    write(__file__, notes, arrays)


if __name__ == "__main__":
    main()
