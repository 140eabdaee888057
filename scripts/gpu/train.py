"""gpu_check train: CIFAR-10, PGD-AT, ResNet-18 in bf16, as many of 30 epochs as fit; natural and PGD-20 accuracy on all
10,000 test images."""
import json
import os
import statistics

import figures
import speed
from machine import ROOT
from runner import CheckFailed, Step

EPOCHS, IMAGES, BATCH = 30, 49_000, 128
# Seconds: start-up with its plans, and the rest of a run apart from steps; the least time for the evaluation.
START, EVALUATION = 25, 30
# A PGD-20 of 10,000 images takes about as long as so many training steps with PGD-10: 20 passes to and fro each, of 13.
STEPS_OF_EVALUATION = 130
SPARE = 1.15  # a step of a run against the measured one: loading, logging, clocks that fall
NETWORKS = os.path.join(ROOT, ".gpu/data")  # published weights; scripts/gpu_bundle takes them along
PUBLISHED = "published CIFAR-10 networks reach their clean and PGD-20 accuracy"
CONFIG = "configs/cifar10/pgd_at_resnet18_short.yaml"
# A rehearsal trains on a few of the shipped images.
SMALL = ["data.name=fashion_mnist_small", "data.validation=9936", "model={name: small_resnet}", "precision.compute=f32",
         "augment.crop_pad=2", "loop.batch_size=16", "trainer.attack.steps=2", "evaluation.validation.steps=1",
         "evaluation.attacks.pgd20.steps=2", "loop.eval_every=0"]


def epochs_that_fit(seconds, per_step, steps):
    """Whole epochs of `steps` steps in so many seconds, start-up and evaluation taken off."""
    left = seconds - START - EVALUATION - STEPS_OF_EVALUATION * per_step
    return min(EPOCHS, int(left / (steps * per_step * SPARE)))


def median_seconds(path):
    with open(path) as f:
        return statistics.median(json.load(f)["results"][0]["times"]["hot"]["samples"])


def published_networks(call):
    """Clean and PGD-20 accuracy of networks that others trained, on all test images."""
    return Step("published networks", call.program("temper_tests", f"{PUBLISHED} on cuda"), 30,
                figure=figures.tests, env={"TEMPER_REQUIRE_CUDA": "1", "TEMPER_TEST_DATA": NETWORKS,
                                           "TEMPER_DATA": os.path.dirname(call.cifar10)})


def plan(call, left):
    """`left`: the function that says how many seconds there still are."""
    run, out = call.file("run"), call.file("run/evaluation.json")
    measured = speed.step(call, "bf16", BATCH, 40)

    def train():
        per_step = median_seconds(measured.command[measured.command.index("--json") + 1])
        epochs = 1 if call.rehearse else epochs_that_fit(left(), per_step, IMAGES // BATCH)
        if epochs < 1:
            raise CheckFailed(f"{left():.0f} s are left, and an epoch takes {IMAGES // BATCH * per_step * SPARE:.0f} s")
        data = call.pick([f"data.path={call.cifar10}"], SMALL)
        return call.program("temper", "train", CONFIG, "--out", run, "--set", f"device={call.device}",
                            f"loop.epochs={epochs}", *data)

    def evaluate():
        # Nothing is left to do where training came to its end: it has looked at the test images.
        return ["true"] if os.path.exists(out) else call.program("temper", "eval", run)

    def accuracy(log):
        with open(os.path.join(run, "config.yaml")) as f:
            epochs = next(line.split(":")[1].strip() for line in f if line.strip().startswith("epochs:"))
        return f"{epochs} epochs: {figures.evaluation(out)(log)}"

    real = [Step("CIFAR-10", call.tool("data.py", "--join", call.store, call.cifar10), 40, figure=figures.last),
            published_networks(call)]
    # Training that is ended for want of time leaves a checkpoint to evaluate.
    return call.pick(real, []) + [measured, Step("train", train, call.pick(600, 120), least=5, leave=EVALUATION),
                    Step("evaluate", evaluate, 60, least=2, figure=accuracy)]
