"""version.py DEVICE FILE COMMAND...: runs `temper version --json`, writes what it says, with the files the CUDA libraries were
loaded from, and looks for what would go wrong without a word: no run-time compiled engines."""
import json
import subprocess
import sys

from runner import write_json

device, path, command = sys.argv[1], sys.argv[2], sys.argv[3:]
done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
version = json.loads(done.stdout)
write_json(path, version)
cuda = version["cuda"]
print(json.dumps(cuda, indent=1))
if device == "cpu":
    print(f"temper {version['version']}, {version['commit']}")
    sys.exit()
engines = cuda.get("engines", {})
print(f"WARNING: cuDNN has no run-time compiled engines here; see the log" if not engines.get("compiled") else
      f"{cuda['device']}, cuDNN {cuda.get('cudnn')}, {engines['compiled']} of {engines.get('total')} engines compiled at run time")
