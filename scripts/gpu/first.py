"""gpu_check first: is what the GPU computes right?"""
import json
import os

import figures
from machine import ROOT
from runner import CheckFailed, Step

EXPECTED = ".gpu/expected/steps_f32.npz"
# Name, filter of temper_tests on a GPU, filter in a rehearsal.
TESTS = [
    ("kernels", ["[kernels][cuda]"], ["every kernel case agrees with its reference on cpu", "-c", "relu"]),
    ("convolutions", ["[conv][cuda]"], ["an epilogue on its own is what a convolution fuses"]),
    ("matrix products", ["[gemm][cuda]"], ["[gemm]~[cuda]"]),
    ("all others", ["[cuda]~[kernels]~[conv]~[gemm]~[real]"], ["[norm]~[cuda]"])]
# Kernels with barriers of their own: what compute-sanitizer looks at.
WITH_BARRIERS = ("batch_norm", "column_sum", "percentile", "pgd_step")


# Of every method, in an experiment whose results are small enough to travel; a graph is replayed from the third step on.
STEPS, BATCH = "4", "loop.batch_size=16"
# All that do not insist on single precision.
IN_FEWER_BITS = ["standard", "pgd_at", "trades", "mart", "fat", "st_at", "act", "ard", "iad_i", "iad_ii", "kd_swa", "lbgat",
                 "las_at", "las_trades", "hat", "fgsm_rs", "n_fgsm", "free_at", "cure", "arat"]


def audit(call, name, *arguments, settings=(), methods=()):
    words = ["audit", "steps", *methods, "--steps", STEPS, "--json", call.file(f"{name}.json"), *arguments]
    return call.program("temper", *words, "--set", f"device={call.device}", BATCH, *settings)


def tests(call, timeout):
    """Test cases on the GPU, subject by subject, side by side; in a rehearsal a few on the CPU. Then a step for what each
    of them came to. Those on real images wait for `train`, which has them."""
    folder = f"{call.work}.tests"
    commands = {name: call.program("temper_tests", *call.pick(real, rehearsed)) for name, real, rehearsed in TESTS}
    wanted = {} if call.rehearse else {"TEMPER_REQUIRE_CUDA": "1"}
    return [Step("tests, side by side", call.tool("at_once.py", folder, json.dumps(commands)), timeout, env=wanted)] + [
        Step(f"tests: {name}", call.tool("at_once.py", folder, "--outcome", name), 10, figure=figures.tests)
        for name in commands]


def against_cpu(call, compute, timeout):
    """Every method against the results of the CPU that came along."""
    expected = call.pick(EXPECTED, call.file("expected.npz"))
    name, methods = f"audit_{compute}", [] if compute == "f32" else call.pick(IN_FEWER_BITS, ["standard"])
    return Step(f"steps against the CPU, {compute}",
                audit(call, name, "--against", expected, settings=[f"precision.compute={compute}"], methods=methods), timeout,
                figure=figures.steps(call.file(f"{name}.json")))


def sanitizer(call, tool, kernel):
    case = f"every kernel case agrees with its reference on {call.device}"
    words, env = call.program.direct("temper_tests", case, "-c", kernel)
    if call.rehearse:
        return Step(f"{tool} {kernel}", words, 60, figure=figures.tests)
    return Step(f"{tool} {kernel}", ["compute-sanitizer", "--tool", tool, "--error-exitcode", "1", *words], 15,
                figure=figures.sanitized, env=env | {"TEMPER_REQUIRE_CUDA": "1"})


def version(call):
    return Step("libraries and engines", call.tool("version.py", call.device, call.file("version.json"),
                                                   *call.program("temper", "version", "--json")), 30,
                figure=figures.last)


def plan(call):
    card = call.tool("card.py", call.device, call.file("card.json"))
    steps = [Step("the card", card, 15, figure=figures.last), version(call)]
    if not call.rehearse:
        steps.append(Step("cuDNN's description of it", call.tool("cudnn_device.py", call.file("cudnn_device.json")), 20,
                          figure=figures.last))
    else:  # nothing was carried along
        steps.append(Step("record", audit(call, "record", "--save", call.file("expected.npz")), 120,
                          figure=figures.steps(call.file("record.json"))))
    steps += [
        *tests(call, 110),
        against_cpu(call, "f32", 30),
        against_cpu(call, "bf16", 30),
    ]
    # One residual network, attacked with running statistics, in bf16: as a graph and without, and twice.
    compute = call.pick("bf16", "f32")
    apart, graph = call.file("without_graph.npz"), call.pick("graph=on", "graph=auto")
    methods = call.pick(["pgd_at", "arat"], ["pgd_at"])
    steps += [
        Step("without a graph", audit(call, "without_graph", "--save", apart, "--twice", methods=methods,
                                      settings=[f"precision.compute={compute}"]), 30,
             figure=figures.steps(call.file("without_graph.json"))),
        Step("as a graph, the same bits", audit(call, "graph", "--against", apart, "--exact", "--twice", methods=methods,
                                                settings=[f"precision.compute={compute}", graph]), 30,
             figure=call.pick(figures.launched, figures.steps)(call.file("graph.json"))),
        against_cpu(call, "tf32", 30),
    ]
    return steps + [sanitizer(call, tool, kernel) for kernel in call.pick(WITH_BARRIERS, WITH_BARRIERS[:1])
                    for tool in ("memcheck", "racecheck")]


def record(call):
    """On the CPU, in f32: what plan() compares with."""
    os.makedirs(os.path.dirname(EXPECTED), exist_ok=True)
    words = ["audit", "steps", "--steps", STEPS, "--save", EXPECTED, "--json", call.file("record.json")]
    return [Step("steps of every method", call.program("temper", *words, "--set", "device=cpu", BATCH), 600,
                 figure=figures.steps(call.file("record.json")))]


def check_ready(call):
    if not call.rehearse and not os.path.exists(os.path.join(ROOT, EXPECTED)):
        raise CheckFailed(f"{EXPECTED} is not there: record it where the bundle is made (scripts/gpu_check record)")
