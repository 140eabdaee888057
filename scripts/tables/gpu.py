"""The tables about GPUs, from the folders of bench/results/gpu: the newest of each card."""
import json
import os

from cpu import three

UNKNOWN = "not measured"
STEPS = (("f32", "step_resnet18_f32_batch_128"), ("tf32", "step_resnet18_tf32_batch_128"),
         ("bf16", "step_resnet18_bf16_batch_128"), ("bf16, batch 512", "step_resnet18_bf16_batch_512"),
         ("WRN-34-10, bf16", "step_wide_resnet34_10_wrn_34_10_bf16_batch_128"))
PEERS = (("channels_last", "eager, channels_last"), ("graphed", "graphs by hand"), ("compiled", "torch.compile"),
         ("reduce_overhead", "torch.compile, reduce-overhead"))


def read(folder, name):
    path = os.path.join(folder, name + ".json")
    if not os.path.exists(path):
        return None
    with open(path) as f:
        return json.load(f)


def cards(results):
    """(title, folder) of the newest folder of each card: DATE_CARD."""
    newest = {}
    for name in sorted(os.listdir(results)) if os.path.isdir(results) else []:
        if os.path.exists(os.path.join(results, name, "summary.json")):
            newest[name.split("_", 1)[1]] = os.path.join(results, name)
    titles = []
    for folder in newest.values():
        summary = read(folder, "summary")
        titles.append((f"{summary['card']}, {summary['date'][:10]}, {summary['commit']}", folder))
    return titles


def result(folder, name):
    """The one measured case of a report, or none."""
    report = read(folder, name)
    measured = [r for r in (report or {}).get("results", []) if not r.get("failed")]
    return measured[0] if measured else None


def rate(folder, name):
    r = result(folder, name)
    return three(r["extra"]["images"] / r["times"]["hot"]["median"]) if r else UNKNOWN


def table(head, rows, columns):
    """`rows` below `head`; where there are none, one that says so."""
    lines = ["| " + " | ".join([head, *columns]) + " |", "|---|" + "---:|" * len(columns)]
    for title, cells in rows or [("no GPU yet", [UNKNOWN] * len(columns))]:
        lines.append("| " + " | ".join([title, *cells]) + " |")
    return lines


def figures(results):
    """Images per second of whole steps."""
    rows = [(title, [rate(folder, name) for _, name in STEPS]) for title, folder in cards(results)]
    return table("ResNet-18, batch 128, PGD-10: images per second", rows, [title for title, _ in STEPS])


def peers(results):
    """Against PyTorch, in the same call."""
    rows = []
    for title, folder in cards(results):
        for compute in ("bf16", "tf32"):
            reports = [r for r in (read(folder, f"pytorch_{compute}"), read(folder, f"pytorch_compiled_{compute}")) if r]
            ratios = {name: r for report in reports for name, r in report["ratios"].items()}
            if ratios:
                cells = [f"{ratios[p]['median']:.2f}" if p in ratios else UNKNOWN for p, _ in PEERS]
                rows.append((f"{title}, {compute}", cells))
    return table("ResNet-18, batch 128, PGD-10: times as fast as PyTorch's", rows, [title for _, title in PEERS])


def longest(results):
    """The ten longest kernels of the bf16 step, with their share of what the card could do."""
    lines = []
    for title, folder in cards(results):
        r = result(folder, "step_resnet18_bf16_batch_128")
        if not r:
            continue
        rows = [(k["name"], [f"{k['calls']:.0f}", three(1e3 * k["seconds"]), k.get("bound", ""),
                             f"{100 * k['of_peak']:.0f} %" if "of_peak" in k else ""])
                for k in r["extra"]["breakdown"]["longest"]]
        lines += ["", *table(f"bf16, batch 128; {title}", rows, ["calls", "ms", "bound by", "of the peak"])]
    return lines[1:] if lines else table("bf16, batch 128", [], ["calls", "ms", "bound by", "of the peak"])


def training(results):
    """What a run on CIFAR-10 came to."""
    rows = []
    for title, folder in cards(results):
        run = read(folder, "evaluation")
        if run:
            accuracy = {r["label"]: f"{r['percent']:.2f} % of {r['total']}" for r in run["rows"]}
            rows.append((title, [str(run["epochs"]), three(run["train_seconds"]), accuracy.get("clean", UNKNOWN),
                                 accuracy.get("pgd20", UNKNOWN)]))
    return table("CIFAR-10, ResNet-18, PGD-AT, bf16", rows, ["epochs", "seconds of training", "clean", "PGD-20"])
