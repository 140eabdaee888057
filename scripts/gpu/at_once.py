"""at_once.py FOLDER JSON: starts the commands of {"NAME": ["word", ...]} at once and waits for all; each leaves its output and
its exit code in FOLDER. Processes that compile for the GPU wait for each other within one, not side by side.
at_once.py FOLDER --outcome NAME: prints what that one said and ends as it did."""
import json
import os
import shutil
import subprocess
import sys


def path(folder, name, kind):
    return os.path.join(folder, f"{name.replace(' ', '_')}.{kind}")


def start(folder, commands):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    running = {}
    for name, command in commands.items():
        with open(path(folder, name, "out"), "wb") as out:
            running[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
    for name, process in running.items():
        with open(path(folder, name, "code"), "w") as f:
            f.write(str(process.wait()))
    print(f"{len(running)} done")


def outcome(folder, name):
    with open(path(folder, name, "out"), errors="replace") as f:
        print(f.read(), end="")
    try:
        with open(path(folder, name, "code")) as f:
            return int(f.read())
    except FileNotFoundError:
        print("it was ended before it was done")
        return 1


if sys.argv[2] == "--outcome":
    sys.exit(outcome(sys.argv[1], sys.argv[3]))
start(sys.argv[1], json.loads(sys.argv[2]))
