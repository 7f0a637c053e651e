"""Capture real WebSocket connections into the files of `vectors/captures`.

    pip install -r tests/recording/requirements.txt
    sudo python tests/recording/record_captures.py [NAME ...] [--output DIR] [--list]

For each capture two network namespaces (or one) are made, real servers listen in one, real clients
connect directly to them, and dumpcap listens. Both sides send the same on every run; masking keys,
times and TCP segments differ. Before a file is written, what each application sent is compared with
what the other one received and with what tshark finds in the file. Each capture has `TIME_LIMIT`
seconds, and everything that it started ends with it.

Derived captures are the same packets in another form, made by the tool that makes such forms.
The README.md there describes the files; `tests/support/recorded_captures.py` reads them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from capturing import checks, derived, scenes
from capturing.meeting import Facts, refusal_facts
from capturing.scene import Scene
from capturing.stage import Stage
from capturing.tools import version, without_machine

import recorded_captures

TIME_LIMIT = 90.0  # seconds for one capture, start and end of everything included


async def play(scene: Scene, stage: Stage) -> Facts:
    """Make one capture and return its facts."""
    recorded = datetime.now(timezone.utc)
    try:
        await scene.play(stage)
    finally:
        await stage.end()
    facts: Facts = {
        "shows": scene.shows,
        "client": ", ".join(stage.peers["client"]),
        "server": ", ".join(stage.peers["server"]),
        "recorded": recorded.isoformat(timespec="seconds"),
        "link": stage.link,
        "tools": {"dumpcap": version("dumpcap"), "tshark": version("tshark")},
    }
    if stage.key_log:
        facts["key_log"] = stage.key_log
    if stage.lacks:
        facts |= {"complete": False, "lacks": stage.lacks}
    if stage.not_by_tshark:
        facts["not_by_tshark"] = stage.not_by_tshark
    facts["connections"] = [refusal_facts(refusal) for refusal in stage.refusals]
    facts["connections"] += [meeting.facts() for meeting in stage.meetings]
    return facts


def make(scene: Scene, output: Path) -> None:
    """Make one capture and everything derived from it, and write the files."""
    with tempfile.TemporaryDirectory() as directory, scene.network() as network:
        stage = Stage(scene.name + scene.suffix, network, Path(directory))
        facts = asyncio.run(asyncio.wait_for(play(scene, stage), TIME_LIMIT))
        without_machine(stage.file)
        checks.check(stage.file, facts)
        output.mkdir(parents=True, exist_ok=True)
        if stage.secrets_inside and stage.key_log:
            derived.with_secrets(stage.file, stage.directory / stage.key_log)
            without_machine(stage.file)
            facts["key_log"], facts["secrets_inside"] = None, True
            stage.kept = []
        for kept in stage.kept:
            shutil.copy(kept, output / kept.name)
        keep(stage.file, facts, output)
    for form in derived.FORMS:
        if form.source == scene.name:
            file = output / form.file
            tools = form.make(output / (scene.name + scene.suffix), file)
            without_machine(file)
            same: Facts = {"shows": form.shows, "same_as": scene.name, "link": form.link}
            if "key_log" in facts:  # no derived form needs one
                same["key_log"] = None
            write(file, same | {"tools": tools})


def keep(file: Path, facts: Facts, output: Path) -> None:
    """Move a finished capture to its place and write its facts."""
    shutil.copy(file, output / file.name)
    (output / file.name).chmod(0o644)  # dumpcap lets nobody else read what it wrote
    write(output / file.name, facts)


def write(file: Path, facts: Facts) -> None:
    """Write the facts beside a capture, and read them back."""
    name = file.name.split(".")[0]
    text = "\n".join(_json_lines(facts)) + "\n"
    (file.parent / f"{name}.json").write_text(text, encoding="utf-8", newline="\n")
    loaded = recorded_captures.load(name, file.parent)
    print(f"{name}: {file.stat().st_size} bytes, {len(loaded.connections)} connections")


def _json_lines(facts: Facts) -> Iterator[str]:
    """JSON with one line for each fact and message, so that diffs are readable."""
    yield "{"
    yield from _members(facts, "connections")
    if "connections" in facts:
        yield '"connections": ['
        for index, connection in enumerate(facts["connections"]):
            yield ("{" if index == 0 else ", {")
            yield from _members(connection, "client_messages", "server_messages")
            for key, end in (("client_messages", ","), ("server_messages", "")):
                yield f'"{key}": ['
                yield from _rows(connection[key])
                yield f"]{end}"
            yield "}"
        yield "]"
    yield "}"


def _members(facts: Facts, *others: str) -> Iterator[str]:
    """All members but the last ones, which are `others`."""
    simple = [key for key in facts if key not in others]
    for index, key in enumerate(simple):
        last = index + 1 == len(simple) and not set(others) & set(facts)
        yield f'"{key}": {_json(facts[key])}{"" if last else ","}'


def _rows(values: list[Any]) -> Iterator[str]:
    for index, value in enumerate(values):
        yield _json(value) + ("," if index + 1 < len(values) else "")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def main() -> int:
    """Make what the command line asks for."""
    known = {scene.name: scene for scene in scenes.SCENES}
    parser = argparse.ArgumentParser(description="Capture real WebSocket connections.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to capture (default: all)")
    parser.add_argument("--output", type=Path, default=recorded_captures.DIRECTORY, metavar="DIR")
    parser.add_argument("--list", action="store_true", help="print the names and end")
    arguments = parser.parse_args()
    if arguments.list:
        for scene in known.values():
            print(f"{scene.name}: {scene.shows}")
        return 0
    unknown = [name for name in arguments.names if name not in known]
    if unknown:
        parser.error(f"no such capture: {', '.join(unknown)} (--list prints them)")
    for name in arguments.names or known:
        make(known[name], arguments.output / known[name].folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
