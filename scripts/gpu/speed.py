"""gpu_check speed: how fast is it, and against what? Most valuable first."""
import re

import figures
from machine import ROOT
from runner import Step


def file_name(*words):
    """step_resnet18_bf16_batch_128.json: what scripts/tables looks for."""
    return "_".join(re.findall(r"[a-z0-9]+", " ".join(words).lower())) + ".json"


def bench(call, title, suite, file, axes, timeout, figure, settings=(), options=()):
    """One case or more of temper-bench; `figure` makes of the report's path what reads it."""
    path = call.file(file)
    words = [suite, "--device", call.device, "--json", path, *options]
    for axis, values in axes.items():
        words += ["--axis", f"{axis}={values}"]
    for setting in settings:
        words += ["--set", setting]
    return Step(title, call.program("temper-bench", *words), timeout, least=8, figure=figure(path))


def step(call, compute, batch, timeout, name="", model="resnet18", settings=(), detail=("--brief",)):
    """A training step of PGD-10, replayed by the device unless `settings` say otherwise. Without `detail` it is taken once more
    to see where the time goes."""
    graph = [] if call.rehearse or any(s.startswith("graph=") for s in settings) else ["graph=on"]
    label = name or f"{compute}, batch {batch}"
    axes = {"model": call.pick(model, "quickstart"), "compute": call.pick(compute, "f32"), "batch": call.pick(batch, 8),
            "attack_steps": call.pick(10, 1)}
    return bench(call, f"step {label}", "step", file_name("step", model, label), axes, timeout,
                 lambda path: figures.step_rate(path, graph), [*graph, *settings],
                 [*detail, "--min-samples", call.pick("10", "1"), "--timeout", call.pick("2", "0.05"), "--min-time", "0"])


def pytorch(call, compute, variants, batch, timeout, name):
    path = call.file(file_name("pytorch", name))
    words = [call.python, f"{ROOT}/bench/pytorch/compare", "--temper", call.wrapper("temper-bench"), "--python", call.python,
             "--device", "cuda", "--model", "resnet18", "--batch", str(batch), "--compute", compute, "--rounds", "1",
             "--repeat", "10", "--variants", variants, "--set", "graph=on", "--limit", str(timeout // 2), "--json", path]
    return Step(f"PyTorch {name}", words, timeout, least=10, figure=figures.pytorch(path))


# The kernels other than convolutions that take most of a bf16 step of ResNet-18, at its sizes.
KERNELS = ("^(batch_norm/(apply|backward_sums|backward_batch|statistics)/bf16|pgd_step/linf|normalize/.*channels=3|square_sum"
           "|pool/global_forward/bf16|weight_update/f32-bf16/narrow|augment/f32/32x32x3)")


def state(call, when):
    return Step(f"the card, {when}", call.tool("card.py", call.device, call.file(f"card_{when}.json")), 15, least=1,
                figure=figures.last)


def plan(call):
    """Most valuable first. PyTorch runs on a GPU alone: bench/pytorch has checks of its own for the CPU."""
    short = call.pick("0.1", "0.01")
    beside = [] if call.rehearse else [pytorch(call, "bf16", "channels_last,graphed", 128, 40, "bf16")]
    tf32 = [] if call.rehearse else [pytorch(call, "tf32", "channels_last,graphed", 128, 30, "tf32")]
    compiled = [] if call.rehearse else [pytorch(call, "bf16", "compiled,reduce_overhead", 128, 120, "compiled, bf16")]
    convolutions = call.pick({"network": "resnet18", "dtype": "bf16", "batch": 128},
                             {"network": "quickstart", "dtype": "f32", "batch": 2})
    return [
        state(call, "before"),
        step(call, "bf16", 128, 40, detail=()),
        *beside,
        step(call, "bf16", 128, 20, "bf16, batch 128, graph off", settings=["graph=off"]),
        step(call, "tf32", 128, 30),
        *tf32,
        step(call, "bf16", 512, 30),
        step(call, "f32", 128, 20),
        step(call, "bf16", 128, 40, "bf16, batch 128, plans timed", settings=["convolution.plans=timed"]),
        bench(call, "kernels", "kernels", "kernels.json", {}, 30, figures.suite,
              options=["--timeout", short, "--filter", call.pick(KERNELS, "^axpby/axpby/f32")]),
        step(call, "bf16", 128, 40, "WRN-34-10, bf16, batch 128", model="wide_resnet34_10"),
        bench(call, "convolutions", "conv", "conv.json", convolutions, 60, figures.suite,
              options=["--mode", "hot", "--timeout", short, "--filter", call.pick(".", "/forward/.*28x28")]),
        *compiled,
        state(call, "after"),
    ]
