"""What there is to run: the programs, the GPU, and its state."""
import glob
import os
import shutil
import subprocess
import xml.etree.ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLACES = {"temper": ["temper", "bin/temper"],
          "temper-bench": ["bench/temper-bench", "temper-bench", "bin/temper-bench"],
          "temper_tests": ["tests/temper_tests", "temper_tests", "bin/temper_tests"]}


class NoProgram(Exception):
    pass


class Programs:
    """Finds temper, temper-bench and temper_tests: in the folders given, or else as the bundle, or a build, has them."""

    def __init__(self, folders, rehearse):
        self.folders = folders or (["build/cpu", "build/bundle"] if rehearse else [])
        self.wrapper = ".gpu/run" if not self.folders and os.path.exists(os.path.join(ROOT, ".gpu/run")) else None
        if not self.folders and not self.wrapper:
            self.folders = ["build/cuda"]

    def __call__(self, name, *arguments):
        """The command that starts a program with these arguments."""
        if self.wrapper:
            return [self.wrapper, name, *arguments]
        for folder in self.folders:
            for place in PLACES[name]:
                path = os.path.join(folder, place)
                if os.access(os.path.join(ROOT, path), os.X_OK):
                    return [path, *arguments]
        raise NoProgram(f"{name} was not found in {', '.join(self.folders)}; build it there, name another folder with "
                        f"--programs, or carry the bundle that scripts/gpu_bundle makes")


    def direct(self, name, *arguments):
        """The same without the bundle's wrapper, for a tool that looks into the program it starts; with the environment that
        the program needs then."""
        if not self.wrapper:
            return self(name, *arguments), {}
        paths = [*library_folders(), os.environ.get("LD_LIBRARY_PATH", "")]
        return [os.path.join(".gpu/bin", name), *arguments], {"LD_LIBRARY_PATH": os.pathsep.join(p for p in paths if p)}


def library_folders():
    """Where Python's wheels and the toolkit have CUDA's libraries."""
    try:
        import nvidia
        wheels = [folder for path in nvidia.__path__ for folder in sorted(glob.glob(os.path.join(path, "*/lib")))]
    except ImportError:
        wheels = []
    return wheels + [f for f in ("/usr/local/cuda/lib64", "/usr/local/cuda/lib") if os.path.isdir(f)]


def gpu_answers():
    if not shutil.which("nvidia-smi"):
        return False
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True)
    return listed.returncode == 0 and "GPU" in listed.stdout


# Of nvidia-smi's description: what figures depend on.
WANTED = ("product_name", "product_architecture", "vbios_version", "driver_version", "cuda_version",
          "persistence_mode", "compute_mode", "mig_mode", "ecc_mode", "fb_memory_usage", "temperature", "power_readings",
          "gpu_power_readings", "clocks", "max_clocks", "clocks_event_reasons", "clocks_throttle_reasons", "pci_gpu_link_info",
          "utilization", "performance_state")


def described(text):
    """nvidia-smi -q -x as JSON, without what only names the machine."""
    def content(node):
        children = list(node)
        return {c.tag: content(c) for c in children} if children else (node.text or "").strip()
    root = xml.etree.ElementTree.fromstring(text[text.index("<nvidia_smi_log"):])
    gpu = root.find("gpu")
    found = {tag: root.findtext(tag) for tag in ("driver_version", "cuda_version") if root.findtext(tag)}
    for node in gpu:
        if node.tag in WANTED:
            found[node.tag] = content(node)
    return found


QUERY = ("name,driver_version,memory.total,clocks.sm,clocks.mem,temperature.gpu,power.draw,power.limit,"
         "clocks_event_reasons.active,total_energy_consumption").split(",")


def gpu_state():
    """The card now: clocks, temperature, power. Nothing is ever set. Empty where no GPU answers."""
    if not shutil.which("nvidia-smi"):
        return {}
    # A field that a driver does not know makes the whole query fail: then the others one by one.
    def ask(fields):
        done = subprocess.run(["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader"],
                              capture_output=True, text=True, timeout=10)
        if done.returncode != 0 or not done.stdout.strip():
            return None
        return [v.strip() for v in done.stdout.strip().splitlines()[0].split(",")]
    values = ask(QUERY)
    if values:
        return dict(zip(QUERY, values))
    return {field: value[0] for field in QUERY if (value := ask([field]))}


def commit():
    """The commit of this tree, or what the carried copy says."""
    done = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=ROOT)
    return done.stdout.strip() or "unknown"
