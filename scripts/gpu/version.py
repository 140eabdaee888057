"""version.py DEVICE FILE COMMAND...: runs `temper version --json` and writes what it says: the CUDA libraries with the paths
they were loaded from among it. Warns of what would otherwise go wrong without a word: no run-time compiled engines."""
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
engines = cuda.get("run_time_compiled_engines", "not known")
if device == "cpu":
    print(f"temper {version['version']}, {version['commit']}")
elif engines[0] in "0n":
    print(f"WARNING: engines that cuDNN compiles at run time: {engines}")
else:
    print(f"{cuda['device']}, cuDNN {cuda.get('cudnn', '?').split(',')[0]}, {engines} engines compiled at run time")
