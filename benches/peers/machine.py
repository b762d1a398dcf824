"""What a record must say about the machine it was taken on, and keeping to two of its cores."""

import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

# The targets speak of two cores.
N_CORES = 2
# Instruction sets that decide which kernels a peer picks.
TELLING_FLAGS = (
    "avx2",
    "avx_vnni",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "amx_bf16",
    "amx_int8",
)
# Above this, somebody else's work is in the figures. The last target's own run still counts.
IDLE_LOAD_MAX = 2.5
REPOSITORY = Path(__file__).resolve().parents[2]


def cpu_flags() -> set[str]:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            return set(line.split(":", 1)[1].split())
    return set()


def has_native_bf16() -> bool:
    return bool({"avx512_bf16", "amx_bf16"} & cpu_flags())


def cpu() -> str:
    """Name, family and model, and the instruction sets that matter."""
    fields: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    flags = [flag for flag in TELLING_FLAGS if flag in cpu_flags()]
    name = fields.get("model name", platform.machine())
    family, model = fields.get("cpu family", "?"), fields.get("model", "?")
    return f"{name} (family {family}, model {model}; {', '.join(flags)})"


def gpu() -> str:
    """Every NVIDIA GPU by name; other makers' do not matter to these targets."""
    if not shutil.which("nvidia-smi"):
        return "none"
    listing = subprocess.run(
        ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=False,
    )
    return "; ".join(listing.stdout.split("\n")).strip("; ") or "none"


def commit() -> str:
    """The commit, marked when the tree differs from it."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(REPOSITORY), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    head = git("rev-parse", "--verify", "--quiet", "HEAD") or "none"
    # A record just written is not a change of what was measured.
    changed = git("status", "--porcelain", "--", ".", ":!benches/record")
    return f"{head} (tree changed since)" if changed else head


def memory_gib() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def facts(*packages: str) -> dict[str, str]:
    """Everything about where and with what a figure is taken. Ask before measuring."""
    kernel = ".".join(platform.release().split(".")[:2])
    found = {
        "CPU": cpu(),
        "cores used": f"{len(os.sched_getaffinity(0))} of {os.cpu_count()}",
        "GPU": gpu(),
        "memory": f"{memory_gib()} GiB",
        "system": f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {kernel}",
        "commit": commit(),
        "load before": load(),
    }
    if packages:
        found["peers"] = ", ".join(f"{name} {version(name)}" for name in packages)
    return found


def load() -> str:
    """Mean number of busy cores over the last minute, with a warning where it spoils figures."""
    busy = os.getloadavg()[0]
    return f"{busy:.2f}" + (" (not idle: measure again)" if busy > IDLE_LOAD_MAX else "")


def debian_version(package: str) -> str:
    """The version of an installed Debian package, or `unknown`."""
    command = ["dpkg-query", "--show", "--showformat=${Version}", package]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout or "unknown"


def keep_to(n_cores: int) -> None:
    """Binds this process and its children to the first `n_cores` cores it may use."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:n_cores])
