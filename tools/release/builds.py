"""How a wheel of a release is built, so that a second build gives the same bytes."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from release import commands

# The oldest glibc that Rust's own standard library works with; zig links against it anywhere.
PLATFORM = "manylinux_2_17"


def arguments() -> list[str]:
    """What maturin gets, besides the interpreters."""
    linux = ["--zig", "--compatibility", PLATFORM] if platform.system() == "Linux" else []
    # maturin does not know `--release` where a build frontend calls it.
    return ["--profile", "release", "--locked", *linux]


def environment(source: Path, target: Path, crates: Path, date: str) -> dict[str, str]:
    """What a build adds to the environment.

    Args:
        source: The directory that is built; it is called /wsdefrag in what is built.
        target: Where cargo builds; likewise /build.
        crates: The directory that has the sources of the crates; likewise /crates.
        date: The seconds since 1970 that files in the wheel get as their time.
    """
    names = {crates: "/crates", target: "/build", source: "/wsdefrag"}
    flags = [f"--remap-path-prefix={path}={name}" for path, name in names.items()]
    if platform.libc_ver()[0] == "glibc":
        flags.append(f"-Clink-arg={_unwinder()}")
    # For the C code of ring and zstd.
    prefixes = " ".join(f"-ffile-prefix-map={path}={name}" for path, name in names.items())
    here = Path(sys.executable).parent
    return {
        "CARGO_TARGET_DIR": str(target),
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags),
        "CFLAGS": prefixes,
        "SOURCE_DATE_EPOCH": date,
        # maturin asks the first python3 on the path for zig.
        "PATH": f"{here}{os.pathsep}{os.environ['PATH']}",
    }


def _unwinder() -> Path:
    """The library that unwinds stacks, which zig would replace by a copy of another one.

    glibc's ``pthread_exit``, by which CPython ends daemon threads until 3.13, unwinds with this
    one. A Rust frame that asks another one about its context ends the process.
    """
    return Path(commands.output(["cc", "-print-file-name=libgcc_s.so.1"], Path.cwd()).strip())


def registry() -> Path:
    """Where cargo keeps the sources of the registry's crates."""
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    (found,) = (home / "registry" / "src").iterdir()
    return found


def date(root: Path) -> str:
    """The time of the last commit, in seconds since 1970."""
    return commands.output(["git", "log", "-1", "--format=%ct"], root).strip()
