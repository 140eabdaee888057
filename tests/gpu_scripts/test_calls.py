"""The plans of the calls: what they need, and that they fit."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts/gpu"))
import first  # noqa: E402
import speed  # noqa: E402
import train  # noqa: E402
from call import Call  # noqa: E402
from machine import NoProgram, Programs, described  # noqa: E402

XML = """nvidia-smi says
<nvidia_smi_log><driver_version>580.1</driver_version><gpu id="0"><product_name>NVIDIA Made-Up 9</product_name>
<serial>123</serial><clocks><sm_clock>1980 MHz</sm_clock></clocks></gpu></nvidia_smi_log>"""


class AnyProgram:
    def __call__(self, *words):
        return list(words)

    def direct(self, *words):
        return list(words), {}


class CallsTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()

    def tearDown(self):
        self.folder.cleanup()

    def call(self, rehearse=False):
        return Call("x", AnyProgram(), self.folder.name, self.folder.name, rehearse, "python3")

    def plans(self, rehearse=False):
        call = self.call(rehearse)
        return {"first": first.plan(call), "speed": speed.plan(call), "train": train.plan(call, lambda: 200)}

    def test_every_test_on_the_gpu_is_asked_for_and_required(self):
        steps = {s.name: s for s in self.plans()["first"]}
        commands = json.loads(steps["tests, side by side"].command[-1])
        self.assertEqual([words[1] for words in commands.values()],
                         ["[kernels][cuda]", "[conv][cuda]", "[gemm][cuda]", "[cuda]~[kernels]~[conv]~[gemm]~[real]"])
        for name in commands:
            self.assertEqual(steps[f"tests: {name}"].command[-2:], ["--outcome", name])
        for name, step in steps.items():
            if name.startswith(("tests, ", "memcheck", "racecheck")):
                self.assertEqual(step.env.get("TEMPER_REQUIRE_CUDA"), "1", name)

    def test_what_runs_side_by_side_keeps_its_outcome(self):
        def at_once(*words):
            done = subprocess.run([sys.executable, os.path.join(ROOT, "scripts/gpu/at_once.py"), self.folder.name, *words],
                                  capture_output=True, text=True)
            return done.returncode, done.stdout
        self.assertEqual(at_once(json.dumps({"a b": ["echo", "said"], "c": ["sh", "-c", "echo worse; exit 3"]}))[0], 0)
        self.assertEqual(at_once("--outcome", "a b"), (0, "said\n"))
        self.assertEqual(at_once("--outcome", "c"), (3, "worse\n"))
        os.remove(os.path.join(self.folder.name, "c.code"))
        self.assertEqual(at_once("--outcome", "c"), (1, "worse\nit was ended before it was done\n"))

    def test_a_rehearsal_has_the_same_steps(self):
        real, small = self.plans(), self.plans(rehearse=True)
        for mode in real:
            left_out = {s.name for s in real[mode]} - {s.name for s in small[mode]}
            # What needs the card, another library or other images; batches and types are smaller.
            for name in left_out:
                self.assertRegex(name, "PyTorch|memcheck|racecheck|cuDNN's description|CIFAR-10|published networks", mode)
            self.assertGreaterEqual(len(small[mode]), len(real[mode]) - 8)

    def test_the_test_on_real_images_is_there(self):
        with open(os.path.join(ROOT, "tests/nn/real_networks_test.cpp")) as f:
            self.assertIn(f'TEMPER_DEVICE_TEST("{train.PUBLISHED}",', f.read())

    def test_names_tell_steps_and_logs_apart(self):
        for mode, steps in self.plans().items():
            names = [s.name for s in steps]
            self.assertEqual(len(names), len(set(names)), mode)

    def test_as_many_epochs_as_fit(self):
        steps = train.IMAGES // train.BATCH
        self.assertEqual(train.epochs_that_fit(1000, 0.012, steps), train.EPOCHS)
        for seconds in (100, 150, 200):
            epochs = train.epochs_that_fit(seconds, 0.0137, steps)
            self.assertLess(epochs * steps * 0.0137, seconds - train.START - train.EVALUATION)
            self.assertGreater(epochs, 0)
        self.assertLess(train.epochs_that_fit(60, 0.1, steps), 1)

    def test_programs_are_found_where_they_are(self):
        with self.assertRaisesRegex(NoProgram, "temper was not found in .*nowhere; build it there"):
            Programs(["/nowhere"], False)("temper", "version")
        os.makedirs(os.path.join(self.folder.name, "bench"))
        program = os.path.join(self.folder.name, "bench/temper-bench")
        with open(program, "w") as f:
            f.write("#!/bin/sh\n")
        os.chmod(program, 0o755)
        self.assertEqual(Programs(["/nowhere", self.folder.name], False)("temper-bench", "step"), [program, "step"])

    def test_the_description_of_a_card_names_no_machine(self):
        self.assertEqual(described(XML), {"driver_version": "580.1", "product_name": "NVIDIA Made-Up 9",
                                          "clocks": {"sm_clock": "1980 MHz"}})

    def test_wrong_use_is_said(self):
        def said(*arguments):
            done = subprocess.run([os.path.join(ROOT, "scripts/gpu_check"), *arguments], capture_output=True, text=True)
            return done.returncode, done.stderr
        code, text = said("first", "--dry-run", "--programs", "/nowhere")
        self.assertEqual(code, 1)
        self.assertIn("temper was not found in /nowhere", text)
        self.assertEqual(said("data")[0], 2)
        self.assertEqual(said("second")[0], 2)


if __name__ == "__main__":
    unittest.main()
