#!/usr/bin/env python3
"""Writes networks.json: logits of small networks in PyTorch (f64), with weights and images from a formula.

usage: make_networks.py > networks.json

The test gives the same weights, by their state_dict names, to the project's networks and compares.
"""
import json
import sys

import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)


def wave(n, salt):
    i = torch.arange(n)
    return torch.sin(0.7 * i * (1 + 0.13 * salt) + 1.3 * salt + 0.01 * i * i)


def fill(model):
    """Values by rank in the sorted list of names; the test does the same."""
    state = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    for salt, name in enumerate(sorted(state)):
        value = state[name]
        w = wave(value.numel(), salt + 1).view(value.shape)
        if value.dim() > 1:
            w = w * (value[0].numel() ** -0.5)
        elif name.endswith("running_var") or (name.endswith("weight")):
            w = 1 + 0.3 * w
        else:
            w = 0.2 * w
        value.copy_(w)


def conv(i, o, stride=1, size=3):
    return nn.Conv2d(i, o, size, stride, size // 2, bias=False)


class Basic(nn.Module):
    def __init__(self, i, o, stride, pad):
        super().__init__()
        self.conv1, self.bn1 = conv(i, o, stride), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = conv(o, o), nn.BatchNorm2d(o)
        self.grow = o - i if pad and (stride != 1 or i != o) else None
        self.shortcut = nn.Sequential()
        if not pad and (stride != 1 or i != o):
            self.shortcut = nn.Sequential(conv(i, o, stride, 1), nn.BatchNorm2d(o))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.grow is not None:
            half = self.grow // 2
            return F.relu(y + F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, half, self.grow - half)))
        return F.relu(y + self.shortcut(x))


class ResNet(nn.Module):
    def __init__(self, widths, blocks, pad):
        super().__init__()
        self.conv1, self.bn1 = conv(3, widths[0]), nn.BatchNorm2d(widths[0])
        i, self.stages = widths[0], len(widths)
        for s, o in enumerate(widths):
            stage = []
            for j in range(blocks):
                stage.append(Basic(i, o, 2 if s and not j else 1, pad))
                i = o
            setattr(self, f"layer{s + 1}", nn.Sequential(*stage))
        self.linear = nn.Linear(i, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for s in range(self.stages):
            x = getattr(self, f"layer{s + 1}")(x)
        return self.linear(x.mean((2, 3)))


class Preact(nn.Module):
    def __init__(self, i, o, stride, shortcut):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(i), conv(i, o, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(o), conv(o, o)
        self.key = shortcut if stride != 1 or i != o else None
        if self.key:
            setattr(self, shortcut, conv(i, o, stride, 1) if shortcut != "shortcut" else
                    nn.Sequential(conv(i, o, stride, 1)))

    def forward(self, x):
        y = F.relu(self.bn1(x))
        short = getattr(self, self.key)(y) if self.key else x
        return short + self.conv2(F.relu(self.bn2(self.conv1(y))))


class Block(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.layer = nn.Sequential(*layers)

    def forward(self, x):
        return self.layer(x)


class WideResNet(nn.Module):
    def __init__(self, per_block, width):
        super().__init__()
        self.conv1, i = conv(3, 16), 16
        for s in range(3):
            layers = []
            for j in range(per_block):
                layers.append(Preact(i, (16 << s) * width, 2 if s and not j else 1, "convShortcut"))
                i = (16 << s) * width
            setattr(self, f"block{s + 1}", Block(layers))
        self.bn1, self.fc = nn.BatchNorm2d(i), nn.Linear(i, 10)

    def forward(self, x):
        x = self.block3(self.block2(self.block1(self.conv1(x))))
        return self.fc(F.relu(self.bn1(x)).mean((2, 3)))


class PreactResNet18(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, i = conv(3, 64), 64
        for s in range(4):
            layers = []
            for j in range(2):
                layers.append(Preact(i, 64 << s, 2 if s and not j else 1, "shortcut"))
                i = 64 << s
            setattr(self, f"layer{s + 1}", nn.Sequential(*layers))
        self.linear = nn.Linear(i, 10)

    def forward(self, x):
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.conv1(x)))))
        return self.linear(x.mean((2, 3)))


class SmallCnn(nn.Module):
    def __init__(self):
        super().__init__()
        i = 3
        for n, (o, stride) in enumerate(zip((16, 32, 32, 64, 64), (1, 1, 2, 1, 2)), 1):
            setattr(self, f"conv{n}", conv(i, o, stride))
            setattr(self, f"bn{n}", nn.BatchNorm2d(o))
            i = o
        self.linear = nn.Linear(i, 10)

    def forward(self, x):
        for n in range(1, 6):
            x = F.relu(getattr(self, f"bn{n}")(getattr(self, f"conv{n}")(x)))
        return self.linear(x.mean((2, 3)))


class SameConv(nn.Module):
    """A 3x3 convolution padded as TensorFlow pads: what is left over goes below and to the right."""

    def __init__(self, i, o, stride):
        super().__init__()
        self.weight, self.stride = nn.Parameter(torch.empty(o, i, 3, 3)), stride

    def forward(self, x):
        pads = []
        for size in (x.shape[3], x.shape[2]):
            need = max((-(-size // self.stride) - 1) * self.stride + 3 - size, 0)
            pads += [need // 2, need - need // 2]
        return F.conv2d(F.pad(x, pads), self.weight, stride=self.stride)


class DeepMindBlock(nn.Module):
    def __init__(self, i, o, stride, act):
        super().__init__()
        self.batchnorm_0, self.conv_0 = nn.BatchNorm2d(i), SameConv(i, o, stride)
        self.batchnorm_1, self.conv_1 = nn.BatchNorm2d(o), SameConv(o, o, 1)
        self.act, self.changes = act, i != o
        if self.changes:
            self.shortcut = conv(i, o, stride, 1)

    def forward(self, x):
        a = self.act(self.batchnorm_0(x))
        y = self.conv_1(self.act(self.batchnorm_1(self.conv_0(a))))
        return y + (self.shortcut(a) if self.changes else x)


class DeepMindStage(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.block = nn.Sequential(*blocks)

    def forward(self, x):
        return self.block(x)


class DeepMindWideResNet(nn.Module):
    def __init__(self, per_stage, width, act):
        super().__init__()
        self.init_conv, i, stages, self.act = SameConv(3, 16, 1), 16, [], act
        for s in range(3):
            blocks = []
            for j in range(per_stage):
                blocks.append(DeepMindBlock(i, (16 << s) * width, 2 if s and not j else 1, act))
                i = (16 << s) * width
            stages.append(DeepMindStage(blocks))
        self.layer, self.batchnorm, self.logits = nn.Sequential(*stages), nn.BatchNorm2d(i), nn.Linear(i, 10)

    def forward(self, x):
        return self.logits(self.act(self.batchnorm(self.layer(self.init_conv(x)))).mean((2, 3)))


NETWORKS = [
    ("{name: small_cnn}", SmallCnn()),
    ("{name: small_resnet, widths: [4, 8, 16]}", ResNet((4, 8, 16), 1, False)),
    ("{name: resnet20}", ResNet((16, 32, 64), 3, True)),
    ("{name: wide_resnet, depth: 16, width: 2}", WideResNet(2, 2)),
    ("{name: preact_resnet18}", PreactResNet18()),
    ("{name: deepmind_wide_resnet, depth: 16, width: 2}", DeepMindWideResNet(2, 2, F.silu)),
    ("{name: deepmind_wide_resnet, depth: 10, width: 1, activation: relu}", DeepMindWideResNet(1, 1, F.relu)),
]
MEAN, STD = torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.25, 0.3])


def main():
    images = (wave(2 * 3 * 8 * 8, 7).view(2, 3, 8, 8) + 1) / 2
    x = (images - MEAN.view(3, 1, 1)) / STD.view(3, 1, 1)
    out = []
    with torch.no_grad():
        for model, net in NETWORKS:
            fill(net)
            out.append({"model": model, "names": list(net.state_dict()),
                        "running": net.eval()(x).flatten().tolist(), "batch": net.train()(x).flatten().tolist()})
            for entry in out:
                entry["names"] = [n for n in entry["names"] if not n.endswith("num_batches_tracked")]
    json.dump(out, sys.stdout, indent=0)


if __name__ == "__main__":
    main()
