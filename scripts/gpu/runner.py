"""Runs the steps of one call within a limit, and keeps what they leave in an archive that is whole after every step."""
import dataclasses
import json
import os
import signal
import subprocess
import tarfile
import time
from typing import Callable, Optional

# What may be carried back: 8 files of 16 MiB. One archive and one summary are two of them.
LARGEST_FILE, LARGEST_ARCHIVE = 4 << 20, 15 << 20
LOG_HEAD, LOG_TAIL = 60_000, 120_000
PACKING = 4.0  # seconds kept for the last archive and the table

PASSED, FAILED, NOT_REACHED = "passed", "FAILED", "not reached"


class CheckFailed(Exception):
    """A step ran, and what it left is wrong."""


class Stopped(BaseException):
    """Someone ends this call."""


@dataclasses.dataclass
class Step:
    """One command. `timeout`: seconds it may take at most; `least`: with fewer left it is not started; `leave`: seconds
    that it leaves to those after it."""
    name: str
    command: object  # a list of words, or a function without arguments that gives one when the step's turn comes
    timeout: float
    least: float = 5
    leave: float = 0
    figure: Optional[Callable[[str], str]] = None  # of the log: the figure for the table; throws CheckFailed
    env: dict = dataclasses.field(default_factory=dict)


class Runner:
    def __init__(self, mode, limit, out, work, facts):
        self.mode, self.limit, self.out, self.work, self.facts = mode, limit, out, work, facts
        self.start, self.entries, self.child, self.starting = time.monotonic(), [], None, False
        os.makedirs(out, exist_ok=True)
        os.makedirs(os.path.join(work, "logs"), exist_ok=True)
        signal.signal(signal.SIGTERM, self.stopped)
        signal.signal(signal.SIGINT, self.stopped)

    def left(self):
        return self.limit - PACKING - (time.monotonic() - self.start)

    def stopped(self, number, _frame):
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, signal.SIG_IGN)
        self.facts["ended_by"] = signal.Signals(number).name
        if not self.starting:
            raise Stopped

    def all(self, steps):
        """Runs them, and prints the table; whether all passed. Ended from outside, it keeps what there is."""
        try:
            for step in steps:
                self.run(step)
        except Stopped:
            self.pack()
        print(self.table(), flush=True)
        return not self.failed()

    def end_child(self):
        """The child and all that it started: asked first, then made to."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.child.pid, sign)
                self.child.wait(5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass

    def log_of(self, name):
        return os.path.join(self.work, "logs", name.replace(" ", "_").replace("/", "_") + ".log")

    def run(self, step):
        began, left = time.monotonic(), self.left() - step.leave
        entry = {"name": step.name, "status": NOT_REACHED, "seconds": 0.0, "figure": ""}
        self.entries.append(entry)
        if left < step.least:
            entry["figure"] = f"{max(left, 0):.0f} s were left, it needs {step.least:.0f}"
        else:
            print(f"--- {step.name}, {left:.0f} s left", flush=True)
            try:
                command = step.command() if callable(step.command) else step.command
                entry["command"] = " ".join(command)
                entry["figure"] = self.execute(step, command, min(step.timeout, left))
                entry["status"] = PASSED
            except CheckFailed as e:
                entry.update(status=FAILED, figure=str(e))
            except Stopped:
                entry.update(status=FAILED, figure=f"ended by {self.facts['ended_by']}",
                             seconds=round(time.monotonic() - began, 1))
                raise
            except Exception as e:  # a fault of this script must not cost the steps that follow
                entry.update(status=FAILED, figure=f"{type(e).__name__}: {e}")
            entry["seconds"] = round(time.monotonic() - began, 1)
        print(line_of(entry), flush=True)
        self.pack()
        return entry["status"] == PASSED

    def execute(self, step, command, seconds):
        path = self.log_of(step.name)
        with open(path, "wb") as log:
            log.write(("+ " + " ".join(command) + "\n").encode())
            log.flush()
            self.starting = True  # an unknown child could not be ended
            try:
                self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                              env=os.environ | step.env, start_new_session=True)
            except OSError as e:
                raise CheckFailed(f"{command[0]} cannot be started: {e.strerror}") from e
            finally:
                self.starting = False
            try:
                if "ended_by" in self.facts:
                    raise Stopped
                code = self.child.wait(seconds)
            except subprocess.TimeoutExpired:
                raise CheckFailed(f"not done after {seconds:.0f} s; {last_line(path)}") from None
            finally:
                if self.child and self.child.returncode is None:
                    self.end_child()
                self.child = None
        if code != 0:
            raise CheckFailed(f"exit code {code}; {last_line(path)}")
        with open(path, errors="replace") as log:
            return step.figure(log.read()) if step.figure else ""

    def failed(self):
        return "ended_by" in self.facts or any(e["status"] != PASSED for e in self.entries)

    def summary(self):
        return self.facts | {"mode": self.mode, "limit": self.limit, "seconds": round(time.monotonic() - self.start, 1),
                             "passed": not self.failed(), "steps": self.entries}

    def pack(self):
        """OUT/results.tgz and OUT/summary.json, each replaced as a whole."""
        archive, left_out, total = os.path.join(self.out, "results.tgz"), [], 0
        write_json(os.path.join(self.work, "summary.json"), self.summary())
        with tarfile.open(archive + ".part", "w:gz", compresslevel=4) as tar:
            for path in files_below(self.work):
                inside, size = os.path.join(self.mode, os.path.relpath(path, self.work)), os.path.getsize(path)
                if path.endswith(".log") and size > LOG_HEAD + LOG_TAIL:
                    path = shortened(path)
                    size = os.path.getsize(path)
                if size > LARGEST_FILE or total + size > LARGEST_ARCHIVE:
                    left_out.append(f"{inside} ({size} bytes)")
                    continue
                total += size
                tar.add(path, inside)
        os.replace(archive + ".part", archive)
        if left_out:
            self.facts["left_out"] = left_out
        write_json(os.path.join(self.out, "summary.json"), self.summary())

    def table(self):
        """One line per step; the last thing on stdout, well within 12,000 characters."""
        lines = [line_of(e) for e in self.entries]
        verdict = "FAILED" if self.failed() else "passed"
        return "\n".join(["", f"=== gpu_check {self.mode}", *lines,
                          f"=== {verdict}, {time.monotonic() - self.start:.0f} of {self.limit:.0f} s; "
                          f"{self.out}/results.tgz, {self.out}/summary.json"])


def line_of(entry):
    figure = " ".join(entry["figure"].split())
    return f"{entry['status']:<12}{entry['seconds']:>7.1f} s  {entry['name']:<36} {figure[:160]}".rstrip()


def last_line(path):
    with open(path, errors="replace") as f:
        lines = [line.strip() for line in f if line.strip()]
    return lines[-1] if lines else "no output"


def shortened(path):
    """A copy of a long log: its beginning and its end."""
    short = path + ".short"
    with open(path, "rb") as log, open(short, "wb") as out:
        out.write(log.read(LOG_HEAD))
        log.seek(-LOG_TAIL, os.SEEK_END)
        out.write(b"\n... left out ...\n" + log.read())
    return short


def files_below(folder):
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if not name.endswith((".short", ".part", ".safetensors", ".npz")):
                yield os.path.join(root, name)


def write_json(path, content):
    with open(path + ".part", "w") as f:
        json.dump(content, f, indent=1)
        f.write("\n")
    os.replace(path + ".part", path)
