"""Ten training steps of LBGAT in PyTorch: what tests/trainers/methods/golden_lbgat_test.cpp compares with.

Written from the method's specification, independently of the C++ code but for the random numbers. Network and images are
those of golden_training.py; the natural network, of another architecture and not trained before, is that of golden_ard.py.
Everything is computed in f64; the same runs in f32 show how far single precision alone carries. Writes golden_lbgat.npz
beside this file.

    python3 tests/golden/golden_lbgat.py
"""
from dataclasses import dataclass

import torch
import torch.nn.functional as F

import golden_ard as ard
import golden_training as base


@dataclass
class Setting:
    beta: float = 6.0
    start: str = "uniform"
    clean_pass: bool = False
    smoothing: float = 0.0


# As golden_training.py says of TRADES, f32 cannot follow the attack from a start so near as `normal`.
SETTINGS = {
    "lbgat6": Setting(start="normal"),
    "lbgat6_uniform": Setting(),
    "lbgat0": Setting(beta=0),
    "lbgat0_code": Setting(beta=0, clean_pass=True, smoothing=0.125),
}


def attack(net, x, ids, draw, start):
    """TRADES': KL of the answers, running statistics."""
    net.eval()
    with torch.no_grad():
        p = F.softmax(net(x), dim=1)
    scale = 0.001 if start == "normal" else base.TRADES["radius"]
    x0 = x + scale * base.image_noise(start, ids, draw, x.dtype)
    loss = lambda z: F.kl_div(F.log_softmax(z, dim=1), p, reduction="sum")
    x_adv = base.ascend(net, x0, x, loss, **base.TRADES)
    net.train()
    return x_adv


def untrained():
    torch.manual_seed(7)
    net = ard.TeacherNet()
    with torch.no_grad():
        net.linear.weight.mul_(8)
    return {k: v.clone() for k, v in net.state_dict().items() if "num_batches" not in k}


def run(name, s, data, natural, dtype):
    guide = ard.load_teacher(natural["natural"], dtype).train().requires_grad_(True)

    def step(net, nets, x, y, ids, epoch):
        x_adv = attack(net, x, ids, epoch, s.start)
        student = net(x_adv)
        clean = net(x) if s.beta > 0 or s.clean_pass else None
        logits = nets["natural"](x)
        loss = ((student - logits) ** 2).mean() + F.cross_entropy(logits, y, label_smoothing=s.smoothing)
        if s.beta > 0:
            loss = loss + s.beta * ard.kl_per_image(clean, student).mean()
        return loss, x_adv

    return ard.train(name, step, data, {}, dtype, {"natural": guide})


if __name__ == "__main__":
    ard.write(__file__, base.make_data(), {"natural": untrained()}, SETTINGS, run)
