"""What all steps of a call know: where programs and files are, and how a rehearsal is smaller."""
import os
import sys

from machine import ROOT


class Call:
    def __init__(self, mode, programs, work, kept, rehearse, python):
        self.mode, self.program, self.work, self.rehearse, self.python = mode, programs, work, rehearse, python
        self.store, self.cifar10 = os.path.join(kept, "pieces"), os.path.join(kept, "cifar-10-batches-bin")
        self.device = "cpu" if rehearse else "cuda"

    def file(self, name):
        """A file that travels back."""
        path = os.path.join(self.work, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def pick(self, real, rehearsed):
        return rehearsed if self.rehearse else real

    def tool(self, name, *arguments):
        """A part of gpu_check itself, as a process that can be ended."""
        return [sys.executable, os.path.join(ROOT, "scripts/gpu", name), *arguments]

    def wrapper(self, name):
        """A file that starts a program: for what takes no command."""
        path = os.path.join(self.work, name)
        with open(path, "w") as f:
            f.write(f"#!/bin/sh\ncd {ROOT} && exec {' '.join(self.program(name))} \"$@\"\n")
        os.chmod(path, 0o755)
        return path
