"""What a measurement depends on: the machine, the versions, and what else was running."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

PACKAGES = (
    "wsdefrag",
    "wsproto",
    "websockets",
    "aiohttp",
    "picows",
    "pytest-benchmark",
)

LOAD_AT_START = os.getloadavg()[0]
"""Read on import: the description itself is asked for when everything has run."""


def describe() -> dict[str, str]:
    """Pairs of a label and a value, in the order in which the report shows them."""
    cores = os.cpu_count()
    return {
        "CPU": f"{cpu_model()}, {cores} cores",
        "OS": f"{os_name()}, {platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "Rust": command_output("rustc", "--version"),
        "Packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "Load before": f"{LOAD_AT_START:.2f} (one minute's average)",
    }


def cpu_model() -> str:
    """The name of the processor and the numbers that tell its generation."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return platform.processor() or platform.machine()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    names = {key.strip(): value.strip() for key, value in fields.items()}
    family = (names.get(key, "?") for key in ("cpu family", "model", "stepping"))
    return f"{names.get('model name', platform.machine())} (family/model/stepping " + (
        "/".join(family) + ")"
    )


def os_name() -> str:
    """The distribution and its version."""
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.platform()


def command_output(*command: str) -> str:
    """What a command prints, without the line end."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
