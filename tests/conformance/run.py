"""Runs the Autobahn TestSuite against the echo server and the echo client beside this file.

    python tests/conformance/run.py ENVIRONMENT            all 517 cases both ways; minutes
    python tests/conformance/run.py ENVIRONMENT --quick    sections 1 to 7 and 10; seconds
    python tests/conformance/run.py ENVIRONMENT --through frames    with a proxy in the middle

ENVIRONMENT is what `make_env.py` makes. The suite talks to the endpoints directly, and again
through a proxy in each of its modes (`through.py`); `--through` chooses some of these, so that all
can be run one after another. Prints a table for the server and one for the client, every case with
a wrong result, and the directory of the reports, which have the bytes of each case. Exit status 1
if a result is wrong or missing. When there are full reports of all ways, their tables are also
written to RESULTS.md.

The suite's two processes are ended by their process ids if they take too long, and end by
themselves if this process ends.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import json
import platform
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from case_outcome import AGENT, Outcome, load, table
from echo_client import echo_at
from echo_server import HOST, port_of, serve
from make_env import release
from through import WAYS, standing_before
from upgrade import Refused

HERE = Path(__file__).resolve().parent
REPORTS = HERE.parents[1] / "target" / "conformance"
RESULTS = HERE / "RESULTS.md"

ROLES = ("server", "client")

# Each case takes less than half of this; one that takes longer is skipped.
CASE_SECONDS = 600


@dataclass(frozen=True)
class Selection:
    """Which cases are run.

    Attributes:
        cases: The suite's patterns.
        count: How many cases they are.
        seconds: How long they may take, each way.
    """

    cases: tuple[str, ...]
    count: int
    seconds: int


ALL = Selection(("*",), 517, 3 * 3600)
QUICK = Selection(("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"), 247, 300)


@contextlib.asynccontextmanager
async def suite(
    environment: Path, directory: Path, spec: Mapping[str, object], seconds: int, *pass_fds: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start the suite, wait until it has ended, and see that it has."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    spec_path = directory / "spec.json"
    spec_path.write_text(json.dumps({**spec, "outdir": str(directory)}), encoding="utf-8")
    with (directory / "log.txt").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            environment / "bin" / "python",
            "-u",
            HERE / "fuzzer.py",
            spec_path,
            str(2 * seconds),
            *map(str, pass_fds),
            pass_fds=pass_fds,
            stdin=asyncio.subprocess.PIPE,
            stdout=log,
            stderr=log,
        )
        try:
            yield process
            status = await process.wait()
            if status:
                raise RuntimeError(f"the suite ended with {status}: see {log.name}")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def try_server(environment: Path, directory: Path, selection: Selection, way: str) -> None:
    """The suite's client against our server."""
    server = await serve()
    async with server, standing_before(port_of(server), way) as port:
        agent = {"agent": AGENT, "url": f"ws://{HOST}:{port}"}
        spec = {"servers": [agent], "cases": selection.cases}
        async with suite(environment, directory, spec, selection.seconds):
            pass


async def try_client(environment: Path, directory: Path, selection: Selection, way: str) -> None:
    """Our client against the suite's server."""
    with socket.create_server((HOST, 0)) as listener:
        # The suite accepts connections until none waits; its last accept must not block.
        listener.setblocking(False)
        port = listener.getsockname()[1]
        spec = {"url": f"ws://{HOST}:{port}", "cases": selection.cases}
        descriptor = listener.fileno()
        async with suite(environment, directory, spec, selection.seconds, descriptor):
            async with standing_before(port, way) as reached:
                for number in range(1, selection.count + 1):
                    await run_case(reached, number)
            # It disconnects without a response, or after half of one.
            with contextlib.suppress(Refused):
                await echo_at(HOST, port, f"/updateReports?agent={AGENT}&shutdownOnComplete=true")


async def run_case(port: int, number: int) -> None:
    """Echo what the suite's server sends in one case; how it goes is for the suite to judge."""
    target = f"/runCase?case={number}&agent={AGENT}"
    try:
        await asyncio.wait_for(echo_at(HOST, port, target), CASE_SECONDS)
    except (ConnectionError, Refused, asyncio.TimeoutError) as error:
        print(f"{target}: {error!r}", file=sys.stderr)


def judge(outcomes: list[Outcome], selection: Selection, way: str) -> tuple[str, bool]:
    """Print the suite's results; return whether all are as expected."""
    lines = [table(outcomes), ""]
    wrong = [
        one
        for one in outcomes
        if not (one.passed if way == "directly" else one.passed_through_proxy)
    ]
    lines += [f"case {one.case}: {one.behavior}, closing {one.behavior_close}" for one in wrong]
    if len(outcomes) != selection.count:
        lines.append(f"{selection.count} cases are expected, {len(outcomes)} were run")
    informational = ", ".join(one.case for one in outcomes if one.kind == "INFORMATIONAL")
    if early := ", ".join(one.case for one in outcomes if not one.passed and one not in wrong):
        lines.append(f"non-strict, ended at a broken rule before an echo came back: {early}")
    lines.append(f"informational, where the RFC leaves open what has to happen: {informational}")
    return "\n".join(lines), not wrong and len(outcomes) == selection.count


def judged(directory: Path, selection: Selection, way: str) -> Iterator[tuple[str, str, bool]]:
    """Read the reports of a way: each role, its results, and whether all are as expected."""
    for name in ROLES:
        role = f"{name}, {way}" if way == "directly" else f"{name}, through a proxy of {way}"
        yield role, *judge(load(directory / way / name), selection, way)


def dates(directory: Path) -> str:
    """The day or days of the reports that are there; empty if one is missing."""
    reports = [directory / way / name / "index.json" for way in WAYS for name in ROLES]
    if not all(report.exists() for report in reports):
        return ""
    days = [
        str(dt.datetime.fromtimestamp(report.stat().st_mtime, dt.timezone.utc).date())
        for report in reports
    ]
    return " to ".join(sorted({min(days), max(days)}))


def write_results(environment: Path, directory: Path) -> None:
    """Keep the outcome, for those who have no CPython 2.7 or no time."""
    texts = {role: text for way in WAYS for role, text, _ in judged(directory, ALL, way)}
    facts = [
        f"Date: {dates(directory)}",
        f"wsdefrag {version('wsdefrag')}, CPython {platform.python_version()}",
        str(release(environment)),
        f"{platform.system()} {platform.release()}, {platform.machine()}",
    ]
    parts = [
        "# Conformance",
        (
            "Written by `make conformance`: the echo server and the echo client in this\n"
            "directory, directly and through `wsdefrag.proxy`, which forwards messages, frames or\n"
            "bytes."
        ),
        "\n".join(f"- {fact}" for fact in facts),
    ]
    for name, text in texts.items():
        parts += [f"## As a {name}", f"```text\n{text}\n```"]
    RESULTS.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


async def try_both(environment: Path, directory: Path, selection: Selection, way: str) -> None:
    """Run both roles at the same time, because the suite mostly waits."""
    both = asyncio.gather(
        try_server(environment, directory / "server", selection, way),
        try_client(environment, directory / "client", selection, way),
    )
    await asyncio.wait_for(both, selection.seconds)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Run the Autobahn TestSuite against wsdefrag.")
    parser.add_argument("environment", type=Path, help="what make_env.py made")
    parser.add_argument("--quick", action="store_true", help="sections 1 to 7 and 10 only")
    parser.add_argument("--through", choices=WAYS, action="append", help="only this way")
    arguments = parser.parse_args()
    environment = arguments.environment.absolute()
    directory, selection = (REPORTS / "quick", QUICK) if arguments.quick else (REPORTS / "all", ALL)
    all_passed = True
    for way in arguments.through or WAYS:
        asyncio.run(try_both(environment, directory / way, selection, way))
        for role, text, passed in judged(directory, selection, way):
            all_passed = all_passed and passed
            print(f"wsdefrag as a {role}, reports in {directory / way}:\n\n{text}\n", flush=True)
    if not arguments.quick and dates(directory):
        write_results(environment, directory)
    sys.exit(not all_passed)


if __name__ == "__main__":
    main()
