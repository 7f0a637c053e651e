"""The subcommands `replay` and `mock`, as processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from capture_conversation import capture_of
from capture_recordings import LOADED
from cli_captures import DEMO, run_capture
from proxy_peers import connect, echo, serving
from proxy_process import run
from proxy_tls import authority
from replay_samples import echoed, lossy

COMMAND = [sys.executable, "-m", "wsdefrag"]


@asynccontextmanager
async def started(*arguments: object) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *map(str, arguments),
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def outcome(*arguments: object) -> tuple[int, str, str]:
    """Run the command; gives exit status, standard output and standard error."""
    async with started(*arguments) as process:
        out, complaints = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), complaints.decode()


def written(path: Path, *texts: str) -> Path:
    """A capture of a client whose texts are sent back."""
    path.write_bytes(capture_of(echoed(*texts).segments))
    return path


async def listening(process: asyncio.subprocess.Process) -> int:
    """The port of a mock that has started."""
    assert process.stderr is not None
    line = (await process.stderr.readline()).decode()
    found = re.fullmatch(r"wsdefrag: 127\.0\.0\.1:(\d+): listening\n", line)
    assert found, line + (await process.stderr.read()).decode()
    return int(found[1])


async def shouting(peer: Any) -> None:
    async for message in peer:
        await peer.send(message.upper())


def test_equal_answers_are_lines_and_status_0(tmp_path: Path) -> None:
    capture = written(tmp_path / "talk.pcapng", "one", "größe")

    async def scenario() -> None:
        async with serving(echo) as port:
            options = ("--to", f"127.0.0.1:{port}", "--speed", "max")
            status, out, complaints = await outcome("replay", capture, *options)
            assert status == 0, complaints
            assert out.splitlines() == [
                "    0 <- equal     response        101",
                "    0 <- equal     text         3 B  one",
                "    0 <- equal     text         7 B  größe",
                "    0 <- equal     close           1000 done",
            ]
            assert complaints == (
                f"wsdefrag: {capture}: 1 connection; 2 messages sent; 4 equal received\n"
            )
            status, out, _ = await outcome("replay", capture, *options, "--differences")
            assert (status, out) == (0, "")

    run(scenario())


def test_different_answers_are_status_1(tmp_path: Path) -> None:
    capture = written(tmp_path / "talk.pcapng", "one", "2")

    async def scenario() -> None:
        async with serving(shouting) as port:
            options = ("--to", f"ws://127.0.0.1:{port}", "--speed", "max")
            status, out, complaints = await outcome("replay", capture, *options, "--differences")
            assert status == 1, complaints
            assert out.splitlines() == [
                "    0 <- different text         3 B  ONE instead of text         3 B  one"
            ]
            ignoring = ("--ignore", "(?i)one")
            status, out, _ = await outcome("replay", capture, *options, *ignoring)
            assert status == 0
            status, out, _ = await outcome("replay", capture, *options, "--format", "json")
            assert status == 1
            document = json.loads(out)
            (connection,) = document["connections"]
            assert [row["result"] for row in connection["rows"]] == [
                *("equal", "different", "equal", "equal")
            ]
            assert connection["rows"][1]["received"]["text"] == "ONE"
            assert connection["rows"][1]["recorded"]["text"] == "one"
            assert document["counts"]["different"] == 1
            assert document["counts"]["sent"] == 2

    run(scenario())


@pytest.mark.parametrize("suffix", [".pcapng", ".mitm", ".har"])
def test_all_inputs_and_chosen_connections(suffix: str, tmp_path: Path) -> None:
    """The mock plays a recording to the replay of the same recording: nothing differs."""
    path = DEMO
    if suffix != ".pcapng":
        path = tmp_path / f"demo{suffix}"
        done = run_capture("convert", DEMO, "-o", path)
        assert done.returncode == 0, done.stderr

    async def scenario() -> None:
        async with started("mock", path, "--listen", 0, "--once", "--format", "json") as mock:
            port = await listening(mock)
            options = ("--to", f"127.0.0.1:{port}", "--speed", "max", "--in-turn")
            status, out, complaints = await outcome("replay", path, *options, "--format", "json")
            assert status == 0, complaints
            document = json.loads(out)
            counts = document["counts"]
            assert counts["connections"] == 5
            assert not any(counts[name] for name in ("different", "missing", "extra", "failed"))
            listened, told = await mock.communicate()
            assert mock.returncode == 0, told
            heard = json.loads(listened)["counts"]
            # Five responses and five Closes are no messages.
            assert (heard["connections"], heard["sent"]) == (5, counts["equal"] - 10)

    run(scenario())


def test_connection_option_chooses(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(echo) as port:
            options = ("--to", f"127.0.0.1:{port}", "--speed", "max", "--wait", "0.2")
            _, out, _ = await outcome("replay", DEMO, *options, "--connection", "1")
            assert {line.split()[0] for line in out.splitlines()} == {"1"}
            status, out, complaints = await outcome("replay", DEMO, *options, "--connection", "99")
            assert (status, out) == (2, "")
            assert "no WebSocket has the number 99" in complaints

    run(scenario())


def test_losses_are_told_and_tolerated(tmp_path: Path) -> None:
    capture = tmp_path / "lost.pcapng"
    capture.write_bytes(lossy())

    async def scenario() -> None:
        async with serving(echo) as port:
            options = ("--to", f"127.0.0.1:{port}", "--speed", "max")
            status, _, complaints = await outcome("replay", capture, *options)
            assert status == 1
            assert "not sent: 1 message (undecodable)" in complaints
            status, _, complaints = await outcome("replay", capture, *options, "--tolerate", "loss")
            assert status == 0, complaints

    run(scenario())


def test_tls_options(tmp_path: Path) -> None:
    capture = written(tmp_path / "talk.pcapng", "one")
    ca, certificate = tmp_path / "ca.pem", tmp_path / "own.pem"
    ca.write_text(authority().pem, encoding="ascii")
    certificate.write_bytes(authority().signed("localhost"))

    async def scenario() -> None:
        async with started(
            *("mock", capture, "--listen", 0, "--cert", certificate, "--client-ca", ca)
        ) as mock:
            port = await listening(mock)
            to = ("replay", capture, "--to", f"wss://localhost:{port}", "--speed", "max")
            status, _, complaints = await outcome(*to)
            assert status == 1
            assert "certificate" in complaints.lower()
            known = ("--upstream-ca", ca, "--upstream-cert", certificate)
            status, _, complaints = await outcome(*to, *known)
            assert status == 0, complaints

    run(scenario())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_both(number: signal.Signals, tmp_path: Path) -> None:
    capture = written(tmp_path / "talk.pcapng", "one", "two")

    async def silent(peer: Any) -> None:
        heard.set()
        await peer.wait_closed()

    heard = asyncio.Event()

    async def scenario() -> None:
        async with (
            serving(silent) as port,
            started(
                *("replay", capture, "--to", f"127.0.0.1:{port}", "--wait", "1000"),
            ) as replay,
        ):
            await heard.wait()
            replay.send_signal(number)
            _, complaints = await replay.communicate()
            assert replay.returncode == 128 + number
            assert b"Traceback" not in complaints
        async with started("mock", capture, "--listen", 0) as mock:
            port = await listening(mock)
            async with connect(f"ws://127.0.0.1:{port}/chat") as client:
                await client.send("one")
                assert await client.recv() == "one"
                mock.send_signal(number)
                await client.wait_closed()
                assert client.close_code == 1001
            out, complaints = await mock.communicate()
            assert mock.returncode == 1
            assert b"missing" in out
            assert b"Traceback" not in complaints

    run(scenario())


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["replay", DEMO], "--to"),
        (["replay", DEMO, "--to", "ftp://a"], "does not begin"),
        (["replay", DEMO, "--to", "a:1", "--speed", "0"], "neither max nor"),
        (["replay", DEMO, "--to", "a:1", "--speed", "fast"], "neither max nor"),
        (["replay", DEMO, "--to", "a:1", "--header", "x"], "not NAME: VALUE"),
        (["replay", DEMO, "--to", "a:1", "--ignore", "("], "unterminated"),
        (["replay", DEMO, "--to", "a:1", "--path", "/nowhere"], "nothing matches"),
        (["replay", __file__, "--to", "a:1"], "not"),
        (["replay", "/missing.pcap", "--to", "a:1"], "does not exist"),
        (["mock", DEMO, "--listen", "x:y"], "no port"),
        (["mock", DEMO, "--cert-key", __file__], "--cert"),
        (["mock", LOADED["tls"].path], "TLS"),
    ],
)
def test_wrong_arguments_are_told_with_status_2(arguments: list[str | Path], text: str) -> None:
    done = run_capture(*arguments)
    assert done.returncode == 2, done.stderr
    assert text in done.stderr.decode()
    assert b"Traceback" not in done.stderr
