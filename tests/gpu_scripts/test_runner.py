"""What a call of gpu_check keeps and says, whatever its steps do."""
import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts/gpu"))
import figures  # noqa: E402
from runner import LARGEST_FILE, CheckFailed, Runner, Step  # noqa: E402

# A call in a process of its own: OUT WORK, then steps.
CALL = f"""
import sys
sys.path.insert(0, {os.path.join(ROOT, "scripts/gpu")!r})
from runner import Runner, Step
r = Runner("first", 60, sys.argv[1], sys.argv[2], {{}})
passed = r.all([Step("quick", ["echo", "hello"], 5), Step("slow", ["sh", "-c", "echo $$ > " + sys.argv[2] + "/pid; sleep 50"], 50)])
sys.exit(0 if passed else 1)
"""


class RunnerTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.out, self.work = os.path.join(self.folder.name, "out"), os.path.join(self.folder.name, "work")

    def tearDown(self):
        self.folder.cleanup()

    def runner(self, limit=60):
        return Runner("first", limit, self.out, self.work, {"card": {}})

    def summary(self):
        with open(os.path.join(self.out, "summary.json")) as f:
            return json.load(f)

    def packed(self):
        with tarfile.open(os.path.join(self.out, "results.tgz")) as tar:
            return {m.name: m.size for m in tar.getmembers()}

    def test_every_step_is_in_the_table_and_the_archive(self):
        r = self.runner()
        r.run(Step("good", ["sh", "-c", "echo fine"], 5, figure=figures.last))
        self.assertFalse(r.failed())
        self.assertIn("first/logs/good.log", self.packed())
        r.run(Step("bad", ["sh", "-c", "echo broken >&2; exit 3"], 5))
        r.run(Step("nowhere", ["/no/such/program"], 5))
        def wrong(_log):
            raise CheckFailed("nothing was tested")
        r.run(Step("empty", ["true"], 5, figure=wrong))
        r.run(Step("fault of the script", lambda: [][0], 5))
        r.run(Step("late", ["true"], 5, least=100))
        states = {s["name"]: (s["status"], s["figure"]) for s in self.summary()["steps"]}
        self.assertEqual(states["good"], ("passed", "fine"))
        self.assertEqual(states["bad"], ("FAILED", "exit code 3; broken"))
        self.assertIn("cannot be started", states["nowhere"][1])
        self.assertEqual(states["empty"], ("FAILED", "nothing was tested"))
        self.assertIn("IndexError", states["fault of the script"][1])
        self.assertEqual(states["late"][0], "not reached")
        self.assertTrue(r.failed())
        table = r.table()
        self.assertIn("=== FAILED", table.splitlines()[-1])
        for name in states:
            self.assertIn(name, table)

    def test_a_step_ends_with_its_time_and_with_that_of_the_call(self):
        began = time.monotonic()
        r = self.runner(limit=8)
        r.run(Step("own limit", ["sleep", "50"], 1, least=1))
        r.run(Step("limit of the call", ["sleep", "50"], 50, least=1))
        r.run(Step("nothing left", ["true"], 5, least=1))
        self.assertLess(time.monotonic() - began, 50)  # which one of the two would take
        self.assertEqual([s["status"] for s in self.summary()["steps"]], ["FAILED", "FAILED", "not reached"])
        self.assertIn("not done after 1 s", self.summary()["steps"][0]["figure"])

    def test_a_step_leaves_time_to_those_after_it(self):
        r = self.runner(limit=30)
        r.run(Step("greedy", ["sleep", "50"], 50, least=5, leave=24))
        r.run(Step("next", ["true"], 5, least=20))
        self.assertEqual([s["status"] for s in self.summary()["steps"]], ["not reached", "passed"])

    def test_what_is_killed_keeps_all_that_was_done(self):
        call = subprocess.Popen([sys.executable, "-c", CALL, self.out, self.work], stdout=subprocess.PIPE, text=True)
        pid = os.path.join(self.work, "pid")
        while not os.path.exists(pid) or not os.path.getsize(pid):
            time.sleep(0.05)
        self.assertEqual(self.summary()["steps"][0]["status"], "passed")  # already there
        call.send_signal(signal.SIGTERM)
        text, _ = call.communicate(timeout=20)
        self.assertEqual(call.returncode, 1)
        self.assertIn("passed", text)
        self.assertFalse(self.summary()["passed"])
        self.assertEqual(self.summary()["ended_by"], "SIGTERM")
        self.assertIn("first/logs/slow.log", self.packed())
        with open(pid) as f, self.assertRaises(ProcessLookupError):
            os.kill(int(f.read()), 0)

    def test_what_is_too_large_stays_and_is_named(self):
        r = self.runner()
        r.run(Step("large", ["sh", "-c", f"head -c {LARGEST_FILE + 1} /dev/zero > {self.work}/large.json; "
                             "head -c 1000000 /dev/zero"], 5))
        self.assertNotIn("first/large.json", self.packed())
        self.assertIn("first/large.json", self.summary()["left_out"][0])
        self.assertLess(self.packed()["first/logs/large.log"], 200_000)


class FigureTest(unittest.TestCase):
    def test_nothing_tested_or_skipped_is_a_failure(self):
        self.assertEqual(figures.tests("All tests passed (12 assertions in 3 test cases)\n"), "12 assertions in 3 cases")
        for log in ("No tests ran\n", "", "SKIPPED: no CUDA device answers\nAll tests passed (1 assertion in 1 test case)\n",
                    "test cases: 2 | 1 passed | 1 failed\n"):
            with self.assertRaises(CheckFailed):
                figures.tests(log or "x")

    def test_sanitizers_have_to_speak(self):
        good = "All tests passed (12 assertions in 3 test cases)\n========= ERROR SUMMARY: 0 errors\n"
        self.assertIn("0 errors", figures.sanitized(good))
        for log in ("All tests passed (12 assertions in 3 test cases)\n", good.replace("0 errors", "2 errors")):
            with self.assertRaises(CheckFailed):
                figures.sanitized(log)


if __name__ == "__main__":
    unittest.main()
