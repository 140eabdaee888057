"""The networks of Temper's benchmarks in PyTorch: the same layers, shapes and parameter counts."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, c, k, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(c, k, 3, stride, 1, bias=False), nn.BatchNorm2d(k)
        self.conv2, self.bn2 = nn.Conv2d(k, k, 3, 1, 1, bias=False), nn.BatchNorm2d(k)
        self.shortcut = None
        if stride != 1 or c != k:
            self.shortcut = nn.Sequential(nn.Conv2d(c, k, 1, stride, bias=False), nn.BatchNorm2d(k))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)), inplace=True)))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)), inplace=True)


class ResNet18(nn.Module):
    """The CIFAR form: 3x3 stem, no pooling behind it."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64)
        blocks, c = [], 64
        for k, stride in [(64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)]:
            blocks.append(Block(c, k, stride))
            c = k
        self.blocks, self.linear = nn.Sequential(*blocks), nn.Linear(c, 10)

    def forward(self, x):
        return self.linear(self.blocks(F.relu(self.bn1(self.conv1(x)), inplace=True)).mean((2, 3)))


class WideBlock(nn.Module):
    """Pre-activation: where the shape changes, the shortcut takes the activated input too."""

    def __init__(self, c, k, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(c), nn.Conv2d(c, k, 3, stride, 1, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(k), nn.Conv2d(k, k, 3, 1, 1, bias=False)
        self.shortcut = nn.Conv2d(c, k, 1, stride, bias=False) if c != k else None

    def forward(self, x):
        active = F.relu(self.bn1(x), inplace=self.shortcut is not None)
        y = self.conv2(F.relu(self.bn2(self.conv1(active)), inplace=True))
        return y + (x if self.shortcut is None else self.shortcut(active))


class WideResNet34x10(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        blocks, c = [], 16
        for i, k in enumerate((160, 320, 640)):
            for j in range(5):
                blocks.append(WideBlock(c, k, 2 if i > 0 and j == 0 else 1))
                c = k
        self.blocks, self.bn, self.linear = nn.Sequential(*blocks), nn.BatchNorm2d(c), nn.Linear(c, 10)

    def forward(self, x):
        return self.linear(F.relu(self.bn(self.blocks(self.conv1(x))), inplace=True).mean((2, 3)))


class SmallCnn(nn.Module):
    def __init__(self, channels=3, strides=(1, 1, 2, 1, 2)):
        super().__init__()
        layers, c = [], channels
        for k, stride in zip((16, 32, 32, 64, 64), strides):
            layers += [nn.Conv2d(c, k, 3, stride, 1, bias=False), nn.BatchNorm2d(k), nn.ReLU(inplace=True)]
            c = k
        self.layers, self.linear = nn.Sequential(*layers), nn.Linear(c, 10)

    def forward(self, x):
        return self.linear(self.layers(x).mean((2, 3)))


def quickstart():
    """The network of configs/quickstart, for images of Fashion-MNIST."""
    return SmallCnn(channels=1, strides=(1, 2, 1, 2, 1))


CIFAR10, FASHION_MNIST = (3, 32, 32), (1, 28, 28)
MODELS = {
    "resnet18": (ResNet18, CIFAR10),
    "wide_resnet34_10": (WideResNet34x10, CIFAR10),
    "small_cnn": (SmallCnn, CIFAR10),
    "quickstart": (quickstart, FASHION_MNIST),
}
