"""Results of a made-up GPU on their way from an archive into the documents, and a change by hand that is found."""
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CARD = {"name": "NVIDIA Made-Up 9", "driver_version": "999.1"}
DOCUMENT = """# Made up

<!-- table: gpu.figures -->
<!-- end of table -->

<!-- table: gpu.peers -->
<!-- end of table -->

<!-- table: gpu.longest -->
<!-- end of table -->

<!-- table: gpu.training -->
<!-- end of table -->
"""


def step(seconds, images):
    longest = [{"name": "conv2d 3x3", "calls": 20, "seconds": 0.002, "bound": "compute", "of_peak": 0.61}]
    return {"results": [{"name": "resnet18", "times": {"hot": {"median": seconds}},
                         "extra": {"images": images, "breakdown": {"longest": longest}}}]}


def script(name, *arguments):
    return subprocess.run([os.path.join(ROOT, "scripts", name), *arguments], capture_output=True, text=True)


class TablesTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.results = os.path.join(self.folder.name, "results")
        self.document = self.file("made_up.md", DOCUMENT)

    def tearDown(self):
        self.folder.cleanup()

    def file(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def archive(self, mode, files, rehearsal=False, date="2026-01-02T03:04:05+00:00"):
        path = os.path.join(self.folder.name, mode + ".tgz")
        summary = {"mode": mode, "rehearsal": rehearsal, "card": CARD, "date": date, "commit": "abc1234", "steps": []}
        with tarfile.open(path, "w:gz") as tar:
            for name, content in {"summary.json": summary, "logs/x.log": "a log", **files}.items():
                data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
                info = tarfile.TarInfo(f"{mode}/{name}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        return path

    def take(self, *archives):
        return script("gpu_results", *archives, "--into", os.path.join(self.results, "gpu"))

    def tables(self, *options):
        return script("update_tables", "--results", self.results, *options, self.document)

    def text(self):
        with open(self.document) as f:
            return f.read()

    def test_nothing_measured_is_said(self):
        self.assertEqual(self.tables().returncode, 0)
        self.assertEqual(self.text().count("| no GPU yet |"), 4)
        self.assertIn("not measured", self.text())

    def test_results_become_tables(self):
        ratios = {"ratios": {"channels_last": {"median": 1.5}, "graphed": {"median": 1.25}}}
        speed = self.archive("speed", {"step_resnet18_bf16_batch_128.json": step(0.0128, 128), "pytorch_bf16.json": ratios})
        run = {"epochs": 28, "train_seconds": 171.4, "rows": [{"label": "clean", "percent": 81.25, "total": 10000},
                                                             {"label": "pgd20", "percent": 50.5, "total": 10000}]}
        lines = '{"event":"step","loss":2}\n{"event":"epoch","epoch":1}\n'
        train = self.archive("train", {"run/evaluation.json": run, "run/metrics.jsonl": lines, "run/examples.json": {"images": []}})
        first = self.archive("first", {"version.json": {"cuda": {"cudnn": "9.19.0"}}, "audit_f32.json": {"experiments": {}}})
        taken = self.take(first, speed, train)
        self.assertEqual(taken.returncode, 0, taken.stderr)
        kept = os.path.join(self.results, "gpu", "2026-01-02_Made-Up-9")
        self.assertEqual(sorted(os.listdir(kept)), ["evaluation.json", "first_audit_f32.json", "metrics.json", "pytorch_bf16.json",
                                                    "step_resnet18_bf16_batch_128.json", "summary.json"])
        with open(os.path.join(kept, "summary.json")) as f:
            summary = json.load(f)
        self.assertEqual((summary["card"], summary["driver"], summary["commit"]), (CARD["name"], "999.1", "abc1234"))
        self.assertEqual(sorted(summary["calls"]), ["first", "speed", "train"])
        self.assertEqual(summary["versions"]["cuda"]["cudnn"], "9.19.0")

        self.assertEqual(self.tables().returncode, 0)
        title = "NVIDIA Made-Up 9, 2026-01-02, abc1234"
        for row in (f"| {title} | not measured | not measured | 10000 | not measured | not measured |",
                    f"| {title}, bf16 | 1.50 | 1.25 | not measured | not measured |",
                    "| conv2d 3x3 | 20 | 2 | compute | 61 % |", f"| {title} | 28 | 171 | 81.25 % of 10000 | 50.50 % of 10000 |"):
            self.assertIn(row, self.text())
        self.assertEqual(self.tables("--check").returncode, 0)

        # A figure changed by hand, and one changed in the results.
        self.file("made_up.md", self.text().replace("| 10000 |", "| 12000 |"))
        found = self.tables("--check")
        self.assertEqual(found.returncode, 1)
        self.assertIn("12000", found.stdout)
        self.assertIn("run scripts/update_tables", found.stderr)
        self.tables()
        with open(os.path.join(kept, "step_resnet18_bf16_batch_128.json"), "w") as f:
            json.dump(step(0.0064, 128), f)
        self.assertIn("20000", self.tables("--check").stdout)

    def test_tables_read_what_a_call_of_speed_writes(self):
        sys.path[:0] = [os.path.join(ROOT, "scripts/gpu"), os.path.join(ROOT, "scripts/tables")]
        import call
        import gpu
        import speed
        plan = speed.plan(call.Call("speed", lambda *words: list(words), self.folder.name, self.folder.name, False, "python3"))
        written = {os.path.basename(word) for step in plan for word in step.command}
        self.assertLessEqual({file + ".json" for _, file in gpu.STEPS}, written)
        self.assertLessEqual({"pytorch_bf16.json", "pytorch_tf32.json", "pytorch_compiled_bf16.json"}, written)

    def test_a_later_day_of_the_same_card_counts(self):
        self.take(self.archive("speed", {"step_resnet18_f32_batch_128.json": step(0.128, 128)}))
        self.take(self.archive("speed", {"step_resnet18_f32_batch_128.json": step(0.064, 128)}, date="2026-02-03T00:00:00+00:00"))
        self.tables()
        self.assertIn("2026-02-03, abc1234 | 2000 |", self.text())
        self.assertNotIn("2026-01-02", self.text())

    def test_a_rehearsal_is_refused(self):
        taken = self.take(self.archive("speed", {}, rehearsal=True))
        self.assertEqual(taken.returncode, 1)
        self.assertIn("says nothing about a GPU", taken.stderr)

    def test_markers_have_to_be_whole(self):
        self.file("made_up.md", DOCUMENT.replace("<!-- end of table -->", "", 1))
        self.assertIn("tables begin", self.tables().stderr)
        self.file("made_up.md", DOCUMENT.replace("gpu.peers", "gpu.piers"))
        self.assertIn("no table gpu.piers", self.tables().stderr)


if __name__ == "__main__":
    unittest.main()
