"""Which releases of mitmproxy the addon supports, and the command that prints its path."""

from __future__ import annotations

import subprocess
import urllib.request
from pathlib import Path

import pytest

from addon_frames import finish
from addon_wires import Pair
from hang_guard import HANG_SECONDS
from mitmdump import ENVIRONMENT, SCRIPTS, Mitmdump, Start
from wire_writer import KEY, TEXT, frame
from wsdefrag.compat.mitmproxy import SCRIPT

NOT_USED = "wsdefrag: not used, mitmproxy's own WebSocket layer stays: "


def own_layer_relays(proxy: Mitmdump) -> bool:
    """Whether mitmproxy's own layer is used; that one makes a new mask for each frame."""
    pair = Pair(proxy.port)
    pair.client.send(frame(TEXT, b"hello", key=KEY))
    arrived = pair.server.frame()
    assert arrived.payload == b"hello"
    assert finish(proxy, pair)["websocket"]["messages"][0][2] == b"hello"
    return arrived.key != KEY


def said(proxy: Mitmdump) -> list[str]:
    """The lines of the log about the addon, without times; at least one."""
    proxy.logged(NOT_USED, "relays WebSocket connections")
    lines = [line.partition("] ")[2] for line in proxy.log]
    return [line for line in lines if "wsdefrag" in line and not line.startswith("Loading")]


def test_with_the_addon_its_layer_relays(with_addon: Mitmdump, without: Mitmdump) -> None:
    assert not own_layer_relays(with_addon)
    assert own_layer_relays(without)
    (line,) = [line for line in said(with_addon) if "relays" in line]
    assert line.endswith(f"relays WebSocket connections (mitmproxy {with_addon.release})")


@pytest.mark.parametrize("release", ["10.4.2", "13.0.0", "14.0.dev", "someone's own"])
def test_unknown_release_keeps_its_own_layer(
    start: Start, monkeypatch: pytest.MonkeyPatch, release: str
) -> None:
    monkeypatch.setenv("RELEASE", release)
    # The addon's options are still accepted.
    proxy = start("wsdefrag_retain=1", scripts=(SCRIPTS / "other_release.py", SCRIPT))
    assert own_layer_relays(proxy)
    (line,) = said(proxy)
    expected = f"mitmproxy {release} is not a supported release (11.0 to 12.x)"
    assert line == NOT_USED + expected


def test_changed_layer_stays(start: Start) -> None:
    proxy = start(scripts=(SCRIPTS / "other_shape.py", SCRIPT))
    assert own_layer_relays(proxy)
    (line,) = said(proxy)
    expected = f"mitmproxy {proxy.release} is not as expected: its WebsocketLayer takes other"
    assert line == NOT_USED + expected + " arguments"


def test_without_the_package_mitmproxy_works_as_it_is(start: Start) -> None:
    proxy = start("wsdefrag_retain=1", scripts=(SCRIPTS / "no_wsdefrag.py", SCRIPT))
    assert own_layer_relays(proxy)
    (line,) = said(proxy)
    assert line.startswith(NOT_USED + "mitmproxy's Python cannot import it")


def test_unloaded_addon_puts_the_layer_back(start: Start) -> None:
    proxy = start(scripts=(SCRIPT, SCRIPTS / "unload.py"))
    assert not own_layer_relays(proxy)
    handler = urllib.request.ProxyHandler({"http": f"http://127.0.0.1:{proxy.port}"})
    with urllib.request.build_opener(handler).open(
        "http://a.test/unload", timeout=HANG_SECONDS
    ) as done:
        assert done.read().decode().split() == [
            "wsdefrag.compat.mitmproxy.layer",
            "mitmproxy.proxy.layers.websocket",
        ]
    assert own_layer_relays(proxy)


def test_command_of_mitmproxys_environment_says_where_the_script_is() -> None:
    command: list[Path | str] = [ENVIRONMENT / "bin" / "wsdefrag", "mitmproxy-addon"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANG_SECONDS, check=True)
    assert Path(done.stdout.rstrip("\n")).samefile(SCRIPT)
    assert done.stderr == ""


def test_script_lies_alone() -> None:
    # mitmproxy puts its directory in front of all others on `sys.path`.
    assert [one.name for one in SCRIPT.parent.glob("*.py")] == ["wsdefrag_addon.py"]
