"""Tries each wheel in an empty environment of its interpreter, without a network."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from release import commands, interpreters, settings
from release.interpreters import Interpreter
from release.part import Failed, Release

# Examples that need no other package.
_EXAMPLES = ("read_stream.py", "frames.py", "hostile_peer.py", "passive_tap.py", "upgrade.py")
_CAPTURE = "vectors/captures/demo.pcapng"


def check(release: Release) -> str:
    """Try each wheel whose interpreter is here."""
    release.needed_wheels()
    peers = release.work / "peers"
    if not peers.exists():
        # The only package that the command needs; what is tried below has no network.
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--dest", peers, "click"]
        commands.output(download, release.root)
    tried = []
    for interpreter in interpreters.found(release.interpreters):
        wheels = [one for one in release.wheels if f"-{interpreter.tags}-" in one.name]
        for wheel in wheels:
            _try(release, interpreter, wheel, peers)
            tried.append(interpreter.name)
    if not tried:
        raise Failed("no wheel is for an interpreter of this machine")
    return f"CPython {', '.join(tried)}: a stream, {len(_EXAMPLES)} examples, the command"


def _try(release: Release, interpreter: Interpreter, wheel: Path, peers: Path) -> None:
    environment = release.work / "empty" / interpreter.name
    shutil.rmtree(environment, ignore_errors=True)
    outside = release.work / "outside"
    outside.mkdir(exist_ok=True)
    commands.output([interpreter.path, "-m", "venv", environment], outside)
    python = environment / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    commands.output([*pip, wheel], outside)
    commands.output([python, release.root / "tests" / "smoke.py"], outside)
    for name in _EXAMPLES:
        command = [python, "-W", "error", release.root / "examples" / name]
        if not commands.output(command, outside).strip():
            raise Failed(f"CPython {interpreter.name}: examples/{name} printed nothing")
    commands.output([*pip, "--find-links", peers, "click"], outside)
    program = environment / "bin" / "wsdefrag"
    printed = commands.output([program, "--version"], outside)
    if printed != f"wsdefrag {settings.version(release.root)}\n":
        raise Failed(f"CPython {interpreter.name}: `wsdefrag --version` printed {printed!r}")
    messages = commands.output([program, "messages", release.root / _CAPTURE], outside)
    if len(messages.splitlines()) < 100:
        raise Failed(f"CPython {interpreter.name}: `wsdefrag messages {_CAPTURE}`:\n{messages}")
