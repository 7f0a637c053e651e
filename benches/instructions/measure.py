"""Counts the instructions of the kernels beside this file, and compares them with the last counts.

    python measure.py                  count, and write benches/INSTRUCTIONS.json
    python measure.py --reason TEXT    the same, where a kernel may take more than 3 % more
    python measure.py --check          count, and end with 1 if one takes more than 3 % more

Time depends on what else a machine does; the number of instructions does not, so every change can
be compared with the last one. It is the number for one compiler, C library and set of processor
features. Where those are others than the file names, the counts say nothing about the change:
`--check` says that they are not comparable, and ends with 0.

A count that went up goes into the file with a reason. `--check` looks at the file's last two
versions, too, and ends with 1 if a kernel takes more than 3 % more there and has no new reason.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
COUNTS = ROOT / "benches" / "INSTRUCTIONS.json"
BINARY = ROOT / "target" / "release" / "wsdefrag-instructions"
# Compilers place code a little differently when something else changes.
TOLERANCE = 0.03

Counts = dict[str, Any]


def output(*command: str | Path) -> str:
    """What a command prints."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    return done.stdout.strip()


def build() -> None:
    """Build the kernels as wheels are built, whatever the caller's environment says."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CARGO_PROFILE_", "CARGO_BUILD_", "CARGO_ENCODED_"))
        and name not in ("RUSTFLAGS", "CARGO_TARGET_DIR")
    }
    command = ["cargo", "build", "--release", "--locked", "--quiet"]
    subprocess.run(
        [*command, "--package", "wsdefrag-instructions"], cwd=ROOT, env=environment, check=True
    )


def environment() -> dict[str, str]:
    """What the counts depend on besides the code."""
    rustc = dict(
        line.split(": ", 1) for line in output("rustc", "-vV").splitlines() if ": " in line
    )
    return {
        "rustc": f"{rustc['release']} {rustc['commit-hash'][:9]}",
        "host": rustc["host"],
        "libc": " ".join(platform.libc_ver()),
        # Valgrind shows a processor of its own.
        "cpu": output("valgrind", "-q", "--tool=none", BINARY, "--cpu"),
    }


def count(kernel: str) -> int:
    """The instructions of one kernel."""
    done = subprocess.run(
        [
            "valgrind",
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            "--toggle-collect=*counted*",
            BINARY,
            kernel,
        ],
        capture_output=True,
        text=True,
    )
    collected = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or collected is None or collected[1] == "0":
        sys.exit(f"{kernel}: not counted\n{done.stderr}")
    return int(collected[1])


def measured() -> Counts:
    """All counts, in the form of the file."""
    build()
    kernels = output(BINARY).splitlines()
    return {
        "environment": environment(),
        "kernels": {kernel: {"instructions": count(kernel)} for kernel in kernels},
    }


def versions() -> list[Counts]:
    """The file as it is and as it was committed, newest first, each that differs from the last."""
    found = [COUNTS.read_text(encoding="utf-8")] if COUNTS.exists() else []
    path = str(COUNTS.relative_to(ROOT))
    try:
        commits = output("git", "log", "-2", "--format=%H", "--", path).splitlines()
        committed = [output("git", "show", f"{commit}:{path}") + "\n" for commit in commits]
    except (OSError, subprocess.CalledProcessError):
        committed = []
    for text in committed:
        if not found or text != found[-1]:
            found.append(text)
    return [json.loads(text) for text in found]


def differences(now: Counts, before: Counts) -> list[str]:
    """How the environments of two counts differ."""
    old, new = before["environment"], now["environment"]
    return [
        f"{name} is {new.get(name)}, was {old.get(name)}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def growth(now: Counts, before: Counts, kernel: str) -> float | None:
    """The relative increase of a kernel's instructions; None for a new kernel."""
    old = before["kernels"].get(kernel)
    return old and now["kernels"][kernel]["instructions"] / old["instructions"] - 1


def grown(now: Counts, before: Counts) -> list[str]:
    """The kernels that take more than they may."""
    changes = {kernel: growth(now, before, kernel) for kernel in now["kernels"]}
    return [kernel for kernel, change in changes.items() if change and change > TOLERANCE]


def show(now: Counts, before: Counts) -> None:
    """Print the counts, and how they changed."""
    for kernel, counted in now["kernels"].items():
        change = growth(now, before, kernel)
        beside = "new" if change is None else f"{change:+.2%}"
        print(f"{kernel:32} {counted['instructions']:>12,} {beside:>9}")


def check() -> int:
    """Compare with the file; the exit code."""
    known = versions()
    if not known:
        print(f"no {COUNTS.name}: run `make instructions`", file=sys.stderr)
        return 1
    before = known[0]
    if len(known) > 1 and not differences(before, known[1]):
        for kernel in grown(before, known[1]):
            reason = before["kernels"][kernel].get("reason")
            if not reason or reason == known[1]["kernels"][kernel].get("reason"):
                print(
                    f"{COUNTS.name}: {kernel} takes more, and no reason says why", file=sys.stderr
                )
                return 1
    now = measured()
    show(now, before)
    if differ := differences(now, before):
        print(f"not comparable with {COUNTS.name}: {'; '.join(differ)}")
        return 0
    if set(now["kernels"]) != set(before["kernels"]):
        print(f"{COUNTS.name} has other kernels: run `make instructions`", file=sys.stderr)
        return 1
    if too_much := grown(now, before):
        print(
            f"more than {TOLERANCE:.0%} up: {', '.join(too_much)}. If that is worth it, run\n"
            "    make instructions REASON='what the instructions are for'",
            file=sys.stderr,
        )
        return 1
    return 0


def write(reason: str | None) -> int:
    """Write the file; the exit code."""
    known = versions()
    now = measured()
    before = known[0] if known else {"environment": {}, "kernels": {}}
    show(now, before)
    too_much = [] if differences(now, before) else grown(now, before)
    if too_much and not reason:
        print(
            f"more than {TOLERANCE:.0%} up: {', '.join(too_much)}; give a REASON", file=sys.stderr
        )
        return 1
    for kernel, counted in now["kernels"].items():
        if kernel in too_much:
            counted["reason"] = reason
        elif kept := before["kernels"].get(kernel, {}).get("reason"):
            counted["reason"] = kept
    COUNTS.write_text(json.dumps(now, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def main() -> int:
    """Do what the arguments say; the exit code."""
    parser = argparse.ArgumentParser(description="Count the instructions of the kernels.")
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    parser.add_argument("--reason", help="why a kernel takes more than it did")
    arguments = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("no valgrind (Debian's package of that name): instructions are not counted")
        return 0 if arguments.check else 1
    return check() if arguments.check else write(arguments.reason or None)


if __name__ == "__main__":
    sys.exit(main())
