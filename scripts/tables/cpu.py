"""The tables of docs/performance.md that come from bench/results/cpu."""
import json
import os
import re
import statistics

RATES = (("ResNet-18, batch 64, PGD-10, f32", "resnet18_pgd_at_f32"),
         ("ResNet-18, batch 64, PGD-10, bf16", "resnet18_pgd_at_bf16"),
         ("quickstart's network, batch 64, PGD-7, f32", "quickstart_pgd_at_f32"),
         ("small_cnn, batch 64, PGD-7, f32", "small_cnn_pgd_at_f32"))
STEPS = (("ResNet-18, f32", "step_resnet18_pgd_at_f32"), ("ResNet-18, bf16", "step_resnet18_pgd_at_bf16"),
         ("quickstart, f32", "step_quickstart_pgd_at_f32"), ("small_cnn, f32", "step_small_cnn_pgd_at_f32"))
# Rows of the table of shares, and the kernels in each.
KERNELS = (("conv2d_backward_data", "conv2d_backward_data"),
           ("conv2d_batch_norm (the attack's forward)", "conv2d_batch_norm"),
           ("conv2d_backward_filter", "conv2d_backward_filter"),
           ("conv2d (the update's forward)", "conv2d"),
           ("BatchNorm with batch statistics", "batch_norm_.*"),
           ("all others", "(?!conv2d|batch_norm_).*"))


def three(value):
    """Three digits, without an exponent: 38.6, 3030, 0.0218."""
    rounded = float(f"{value:.3g}")
    return f"{rounded:.0f}" if rounded >= 100 else f"{rounded:g}"


def read(folder, name):
    with open(os.path.join(folder, name + ".json")) as f:
        return json.load(f)


def ratio(r):
    return f"{r['median']:.2f} ({r['min']:.2f} to {r['max']:.2f})"


def pytorch(folder):
    rows = ["| step | Temper, images/s | times as fast as PyTorch eager | as `torch.compile` | peak memory, MB |",
            "|---|---|---|---|---|"]
    for title, name in RATES:
        report = read(folder, name)
        rates = statistics.median(r["images_per_second"]["temper"] for r in report["rounds"])
        ratios = report["ratios"]
        eager = min((ratios[v] for v in ("eager", "channels_last") if v in ratios), key=lambda r: r["median"])
        def peak(side):
            return statistics.median(r["sides"][side]["memory"]["process_peak_mb"] for r in report["rounds"])
        least = min(peak(v) for v in ratios)
        rows.append(f"| {title} | {three(rates)} | {ratio(eager)} | {ratio(ratios['compiled'])} | "
                    f"{peak('temper'):.0f}, PyTorch {least:.0f} |")
    return rows


def breakdown(folder, name):
    return read(folder, name)["results"][0]["extra"]["breakdown"]


def shares(folder):
    parts = [breakdown(folder, name) for _, name in STEPS]
    rows = ["| | " + " | ".join(title for title, _ in STEPS) + " |", "|---|" + "---:|" * len(STEPS),
            "| seconds | " + " | ".join(three(b["seconds"]) for b in parts) + " |"]
    def line(title, values):
        rows.append(f"| {title} | " + " | ".join(f"{100 * v:.1f} %" for v in values) + " |")
    line("attack", [b["phases"]["attack"] / b["seconds"] for b in parts])
    line("explained by the named kernels", [b["explained"] for b in parts])
    for title, pattern in KERNELS:
        line(title, [sum(k["seconds"] for k in b["kernels"] if re.fullmatch(pattern, k["name"])) / b["seconds"] for b in parts])
    return rows


def layers(folder):
    rows = []
    for title, name in STEPS:
        report = read(folder, name)
        peak = report["peaks"][report["results"][0]["axes"]["compute"]]["flops_per_second"]
        rows += ["", f"| {title} | calls | ms | GFLOP/s | of the peak |", "|---|---:|---:|---:|---:|"]
        for c in report["results"][0]["extra"]["breakdown"]["convolutions"][:10]:
            rate = c["flops"] / c["seconds"]
            rows.append(f"| {c['name']} | {c['calls']:.0f} | {three(1e3 * c['seconds'])} | {rate / 1e9:.0f} | "
                        f"{100 * rate / peak:.0f} % |")
    return rows[1:]


def beside(folder):
    """Steps beside busy processes, before and after, from what bench/beside wrote."""
    head = ["| step, batch 64, f32: ms (95th percentile), times the quiet time | alone | beside one | beside two |",
            "|---|---:|---:|---:|"]
    if not os.path.exists(os.path.join(folder, "beside.json")):
        return head + ["| not yet | not measured | not measured | not measured |"]
    cells = {(c["step"], c["program"], c["busy"]): c for c in read(folder, "beside")["steps"]}
    rows = []
    for step, program in dict.fromkeys((step, program) for step, program, _ in cells):
        def text(busy):
            c, quiet = cells[step, program, busy], cells[step, program, 0]
            times = f", {c['median'] / quiet['median']:.2f}x" if busy else ""
            return f"{three(1e3 * c['median'])} ({three(1e3 * c['percentile_95'])}){times}"
        rows.append(f"| {step}, {program} | " + " | ".join(text(busy) for busy in (0, 1, 2)) + " |")
    return head + rows
