"""card.py DEVICE FILE: writes what nvidia-smi says of the card; the state of a CPU rehearsal is that there is none."""
import subprocess
import sys

from machine import described, gpu_state
from runner import write_json

device, path = sys.argv[1:]
card = {}
if device == "cuda":
    done = subprocess.run(["nvidia-smi", "-q", "-x"], capture_output=True, text=True, check=True)
    card = described(done.stdout)
write_json(path, {"description": card, "state": gpu_state()})
state = gpu_state()
shown = [f"{key} {state[key]}" for key in ("name", "driver_version", "clocks.sm", "power.draw") if key in state]
print(", ".join(shown) or "no card")
