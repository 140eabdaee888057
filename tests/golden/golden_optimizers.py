"""Eight steps of torch.optim's SGD, Adam and AdamW, with parameter groups and clipping: what tests/trainers/optimizers/golden_optimizers_test.cpp
compares against. Everything is computed in f64. Writes golden_optimizers.npz beside this file.

    python3 tests/golden/golden_optimizers.py
"""
import numpy as np
import torch

import golden_training as base

STEPS = 8
SHAPES = {"conv.weight": (5, 3), "conv.bias": (5,), "fc.weight": (2, 70)}


def wave(shape, scale, shift):
    i = torch.arange(int(np.prod(shape)), dtype=torch.float64)
    return (scale * torch.sin(0.7 * i + shift)).reshape(shape)


def run(make, clip=None):
    """make(parameters by name) gives the optimiser, whose learning rates are divided by the step; weights at the end."""
    parameters = {name: torch.nn.Parameter(wave(shape, 1, i)) for i, (name, shape) in enumerate(SHAPES.items())}
    optimizer = make(parameters)
    rates = [group["lr"] for group in optimizer.param_groups]
    for step in range(STEPS):
        for i, (name, p) in enumerate(parameters.items()):
            p.grad = wave(SHAPES[name], 0.3, i + step)
        if clip:
            clip(parameters.values())
        for group, lr in zip(optimizer.param_groups, rates):
            group["lr"] = lr / (step + 1)
        optimizer.step()
    return {name: p.detach().numpy() for name, p in parameters.items()}


def grouped(parameters, lr, decay):
    return [{"params": [parameters["conv.weight"], parameters["fc.weight"]]},
            {"params": [parameters["conv.bias"]], "lr": 3 * lr, "weight_decay": 0.5 * decay}]


CASES = {
    "sgd": (lambda p: torch.optim.SGD(p.values(), 0.1, momentum=0.9, weight_decay=0.05), None),
    "nesterov": (lambda p: torch.optim.SGD(p.values(), 0.1, momentum=0.9, weight_decay=0.05, nesterov=True), None),
    "sgd_groups": (lambda p: torch.optim.SGD(grouped(p, 0.1, 0.05), 0.1, momentum=0.9, weight_decay=0.05), None),
    "sgd_clip_value": (lambda p: torch.optim.SGD(p.values(), 0.1, momentum=0.9, weight_decay=5e-4),
                       lambda p: torch.nn.utils.clip_grad_value_(p, 0.1)),
    "adam": (lambda p: torch.optim.Adam(p.values()), None),
    "adam_decay": (lambda p: torch.optim.Adam(p.values(), 0.01, betas=(0.8, 0.99), eps=1e-3, weight_decay=0.1), None),
    "adam_clip_norm": (lambda p: torch.optim.Adam(p.values(), 0.01, eps=0.1),
                       lambda p: torch.nn.utils.clip_grad_norm_(p, 0.5)),
    "adamw": (lambda p: torch.optim.AdamW(p.values()), None),
    "adamw_groups": (lambda p: torch.optim.AdamW(grouped(p, 0.01, 0.1), 0.01, weight_decay=0.1), None),
    "adamw_clip_norm": (lambda p: torch.optim.AdamW(p.values(), 0.01, eps=0.1),
                        lambda p: torch.nn.utils.clip_grad_norm_(p, 100)),
}

if __name__ == "__main__":
    arrays = {f"{case}/{name}": value for case, (make, clip) in CASES.items() for name, value in run(make, clip).items()}
    base.write(__file__, [f"torch {torch.__version__}, numpy {np.__version__}"], arrays)
