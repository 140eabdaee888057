"""The key figure of a step, from what it printed or wrote. Each throws CheckFailed where that is not what it should be."""
import json
import re
import statistics

from runner import CheckFailed


def read(path):
    with open(path) as f:
        return json.load(f)


def last(log):
    """The last line says it all."""
    return log.strip().splitlines()[-1]


def tests(log):
    """Of temper_tests: how much was tested. Nothing tested, or anything skipped, is a failure."""
    skipped = sorted(set(re.findall(r"SKIPPED: (.*)", log)))
    if skipped:
        raise CheckFailed("skipped: " + "; ".join(skipped))
    match = re.search(r"All tests passed \((\d+) assertions? in (\d+) test cases?\)", log)
    if not match:
        raise CheckFailed("no test passed: " + last(log))
    return f"{match[1]} assertions in {match[2]} cases"


def sanitized(log):
    """Of compute-sanitizer around temper_tests."""
    match = re.search(r"(?:ERROR|RACECHECK) SUMMARY: (.*)", log)
    if not match or not match[1].startswith("0 "):
        raise CheckFailed(match[1] if match else "compute-sanitizer said nothing")
    return f"{tests(log)}; {match[1]}"


def steps(path):
    """Of temper audit steps --json."""
    def figure(_log):
        experiments = read(path)["experiments"]
        compared = [e for e in experiments.values() if "first" in e]
        launched = sum(e["launched"] for e in experiments.values())
        text = f"{len(experiments)} methods" + (f", {launched} steps by graph" if launched else "")
        if compared:
            def worst(part, what):
                return max(e[part][what] for e in compared)
            text += (f"; pixels apart {100 * worst('first', 'images'):.2g} %, later {100 * worst('all', 'images'):.2g} %; "
                     f"loss {worst('first', 'loss'):.1e}, later {worst('all', 'loss'):.1e}")
        return text
    return figure


def launched(path):
    """The same, where the device has to have repeated steps by itself."""
    def figure(log):
        # The first step runs normally, the second is captured.
        idle = [label for label, e in read(path)["experiments"].items() if e["launched"] < e["steps"] - 2]
        if idle:
            raise CheckFailed("the graph was not launched: " + ", ".join(idle))
        return steps(path)(log)
    return figure


def measured(path):
    """What a report of temper-bench has, and what failed."""
    results = read(path)["results"]
    failed = [f"{r['name']}: {r['failed']}" for r in results if r.get("failed")]
    if failed or not results:
        raise CheckFailed("; ".join(failed) or "nothing was measured")
    return results


def step_rate(path, graph=None):
    """Of temper-bench step: images per second. With graph: steps must have been replayed by the device."""
    def figure(_log):
        texts = []
        for r in measured(path):
            seconds, extra = r["times"]["hot"]["median"], r["extra"]
            texts.append(f"{extra['images'] / seconds:.0f} images/s, {1e3 * seconds:.2f} ms")
            repeated = extra.get("graph", {}).get("launched", 0)
            if graph and not repeated:
                raise CheckFailed(f"{texts[-1]}, but no step was replayed by the device")
            if extra.get("gpu", {}).get("watts"):
                texts[-1] += f", {extra['gpu']['watts']:.0f} W"
        return "; ".join(texts)
    return figure


def suite(path):
    """Of any suite of temper-bench: how many cases, and how near they come to their limits."""
    def figure(_log):
        results = measured(path)
        shares = [r["limit_seconds"] / r["times"][mode]["median"] for r in results for mode in ("cold", "hot")
                  if r.get("limit_seconds") and mode in r["times"]]
        near = f", median {100 * statistics.median(shares):.0f} % of their limit" if shares else ""
        return f"{len(results)} cases{near}"
    return figure


def pytorch(path):
    """Of bench/pytorch/compare --json."""
    def figure(_log):
        report = read(path)
        if not report["ratios"]:
            raise CheckFailed("no variant of PyTorch ran")
        return "times as fast: " + ", ".join(f"{name} {ratio['median']:.2f}" for name, ratio in report["ratios"].items())
    return figure


def evaluation(path):
    """Of a run's evaluation.json."""
    def figure(_log):
        rows = read(path)["rows"]
        return ", ".join(f"{r['label']} {r['percent']:.2f} % of {r['total']}" for r in rows)
    return figure
