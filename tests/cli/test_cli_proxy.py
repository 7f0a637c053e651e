"""The subcommand `proxy`, as a process of its own."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from flow_reader import flows
from hang_guard import HANG_SECONDS
from proxy_peers import RESPONSE, Raw, connect, echo, raw_server, serving
from proxy_process import run
from proxy_tls import authority
from wire_writer import KEY, TEXT, close_frame, frame
from wsdefrag.cli.metrics import metrics_address

COMMAND = [sys.executable, "-m", "wsdefrag", "proxy"]


class Running:
    """The command, which listens on `port`."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process, self.port = process, port

    async def stop(self, number: signal.Signals) -> str:
        """End it by a signal; gives its standard error."""
        self.process.send_signal(number)
        assert self.process.stderr is not None
        complaints = (await self.process.stderr.read()).decode()
        assert await self.process.wait() == 0, complaints
        return complaints


@asynccontextmanager
async def running(*arguments: str | Path) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *("--listen", "0", "--log-level", "error"),
        *map(str, arguments),
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        line = (await process.stderr.readline()).decode()
        found = re.fullmatch(r"wsdefrag: 127\.0\.0\.1:(\d+): listening\n", line)
        assert found, line + (await process.stderr.read()).decode()
        yield Running(process, int(found[1]))
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_in_order_and_loses_no_record(
    number: signal.Signals, tmp_path: Path
) -> None:
    path = tmp_path / "all.mitm"

    async def scenario() -> None:
        async with (
            serving(echo) as port,
            running(
                *("--upstream", f"127.0.0.1:{port}", "--write", path, "--stats"),
                *("--edit", "OLD", "new", "--header", "X-A: b"),
            ) as proxy,
        ):
            url = f"ws://127.0.0.1:{proxy.port}/"
            clients = [await connect(url) for _ in range(5)]
            for count in range(40):
                for client in clients:
                    await client.send(f"OLD {count}")
                for client in clients:
                    assert await client.recv() == f"new {count}"
            complaints = await proxy.stop(number)
            for client in clients:
                await client.wait_closed()
                assert client.close_code == 1001
            assert complaints.startswith("0 open, 5 opened, 0 refused, 200 messages up, 200 down")

    run(scenario())
    found = flows(path.read_bytes())
    assert len(found) == 5
    for flow in found:
        texts = [state[2] for state in flow["websocket"]["messages"] if not state[1]]
        assert texts == [b"new %d" % count for count in range(40)]
        assert [b"X-A", b"b"] in flow["request"]["headers"]


def test_second_signal_does_not_wait_for_peers_that_do_not_answer(tmp_path: Path) -> None:
    path = tmp_path / "all.mitm"

    async def silent(server: Raw) -> None:
        """Answer nothing but the message: the proxy ends by itself when the server has closed."""
        await server.head()
        server.send(RESPONSE)
        await server.take(len(frame(TEXT, b"hi", key=KEY)))
        server.send(frame(TEXT, b"hi"))
        await server.rest()

    async def scenario() -> None:
        async with (
            raw_server(silent) as port,
            running(
                *("--upstream", f"127.0.0.1:{port}", "--write", path, "--close-timeout", "100000")
            ) as proxy,
        ):
            client = await Raw.opened(proxy.port)
            client.send(frame(TEXT, b"hi", key=KEY))
            assert await client.take(4) == frame(TEXT, b"hi")
            proxy.process.send_signal(signal.SIGTERM)
            assert await client.take(4) == close_frame(1001)
            assert await proxy.stop(signal.SIGTERM) == ""
            await client.close()

    run(scenario())
    (flow,) = flows(path.read_bytes())
    assert [state[2] for state in flow["websocket"]["messages"]] == [b"hi", b"hi"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_second_signal_while_the_process_ends_changes_nothing(
    number: signal.Signals, tmp_path: Path
) -> None:
    script, shown = tmp_path / "hooks.py", tmp_path / "shown"
    script.write_text(
        "import atexit, os, pathlib\n"
        "def on_message(message, connection): ...\n"
        "@atexit.register\n"
        "def end():\n"
        f"    os.kill(os.getpid(), {int(number)})\n"
        f"    pathlib.Path({str(shown)!r}).touch()\n",
        encoding="utf-8",
    )

    async def scenario() -> None:
        async with running("--upstream", "127.0.0.1:9", "--script", script) as proxy:
            assert await proxy.stop(signal.SIGTERM) == ""

    run(scenario())
    assert shown.exists()


def test_script_tls_and_metrics(tmp_path: Path) -> None:
    if importlib.util.find_spec("prometheus_client") is None:
        pytest.skip("no prometheus_client")
    script, certificate, ca = tmp_path / "hooks.py", tmp_path / "own.pem", tmp_path / "ca.pem"
    script.write_text(
        "async def on_message(message, connection):\n"
        "    message.text = message.text[::-1] if message.from_client else message.text\n",
        encoding="utf-8",
    )
    certificate.write_bytes(authority().signed("127.0.0.1", "localhost"))
    ca.write_text(authority().pem, encoding="ascii")
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        metrics = one.getsockname()[1]

    def scrape() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics}/metrics") as answer:
            text: str = answer.read().decode()
        return text

    async def scenario() -> None:
        async with (
            serving(echo, ssl=authority().server("localhost")) as port,
            running(
                *("--upstream", f"wss://localhost:{port}", "--upstream-ca", ca),
                *("--script", script, "--cert", certificate, "--metrics", str(metrics)),
            ) as proxy,
        ):
            async with connect(f"wss://127.0.0.1:{proxy.port}", ssl=authority().client()) as client:
                await client.send("abc")
                assert await client.recv() == "cba"
                text = await asyncio.get_running_loop().run_in_executor(None, scrape)
                assert 'wsdefrag_proxy_messages_total{sender="client"} 1.0' in text
                assert "wsdefrag_proxy_open_connections 1.0" in text
            assert await proxy.stop(signal.SIGTERM) == ""

    run(scenario())


def test_address_is_said_once_at_any_level() -> None:
    for level in ("error", "info"):
        process = subprocess.Popen(
            [*COMMAND, "--upstream", "127.0.0.1:9", "--listen", "0", "--log-level", level],
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stderr is not None
            first = process.stderr.readline()
            process.send_signal(signal.SIGTERM)
            assert (first + process.stderr.read()).count("listening") == 1


def refused(folder: Path, *options: str) -> str:
    """The one line of a proxy that does not start with these options."""
    done = subprocess.run(
        [*COMMAND, "--upstream", "a:1", *options],
        capture_output=True,
        cwd=folder,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def on_close(connection)\n", "hooks.py, line 1: expected ':'"),
        ("x = 1\nx.y\n", "hooks.py, line 2: AttributeError: 'int' object has no attribute 'y'"),
        ("def on_message(message): ...\n", "on_message has to take message and connection"),
        ("on_connect = 1\n", "hooks.py: on_connect is not a function"),
    ],
)
def test_script_that_cannot_work_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "hooks.py").write_text(text)
    assert says in refused(tmp_path, "--script", str(tmp_path / "hooks.py"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--cert", "key.pem"], "key.pem has no certificate in PEM"),
        (["--cert", "cert.pem"], "cert.pem has no private key in PEM; give its key as well"),
        (["--cert", "cert.pem", "--key", "cert.pem"], "cert.pem has no private key in PEM."),
        (["--upstream-ca", "key.pem"], "--upstream-ca: key.pem has no certificate in PEM"),
        (["--upstream-cert", "cert.pem"], "which has to be in the same file"),
    ],
)
def test_certificates_that_do_not_fit_are_named(
    tmp_path: Path, options: list[str], says: str
) -> None:
    both = authority().signed("localhost").decode()
    key, mark, certificate = both.partition("-----BEGIN CERTIFICATE-----")
    (tmp_path / "key.pem").write_text(key)
    (tmp_path / "cert.pem").write_text(mark + certificate)
    assert says in refused(tmp_path, *options)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "give --upstream, or --explicit for clients"),
        (["--upstream", "ftp://a"], "does not begin with"),
        (["--upstream", "a:1", "--listen", "x:y"], "no port"),
        (["--upstream", "a:1", "--header", "x"], "not NAME: VALUE"),
        (["--upstream", "a:1", "--key", __file__], "--cert"),
        (["--upstream", "a:1", "--cert", __file__], "."),
        (["--upstream", "a:1", "--script", os.__file__], "has none of"),
        (["--upstream", "a:1", "--write", "a.txt"], "does not end in"),
        (["--upstream", "a:1", "--rotate-size", "5"], "for --write"),
        (["--upstream", "a:1", "--idle-timeout", "-1"], "not a number of seconds"),
        (["--upstream", "a:1", "--listen", "0", "--write", "/missing/a.mitm"], "/missing/a.mitm"),
    ],
)
def test_wrong_arguments_are_told_with_status_2(arguments: list[str], text: str) -> None:
    done = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=HANG_SECONDS, check=False
    )
    assert done.returncode == 2, done.stderr
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_address_in_use_is_told_with_status_2() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        address = f"127.0.0.1:{one.getsockname()[1]}"
        done = subprocess.run(
            [*COMMAND, "--upstream", "a:1", "--listen", address],
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
            check=False,
        )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "in use" in done.stderr


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ("9100", "127.0.0.1"),
        (":9100", "127.0.0.1"),
        ("0.0.0.0:9100", "0.0.0.0"),
        ("[::1]:9100", "::1"),
    ],
)
def test_metrics_are_for_this_machine_by_default(given: str, host: str) -> None:
    address = metrics_address(given)
    assert (address.host, address.port) == (host, 9100)
