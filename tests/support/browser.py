"""Drives a headless Chromium by its DevTools protocol, over a WebSocket.

The protocol: https://chromedevtools.github.io/devtools-protocol/. Nothing is waited for by time:
what a test waits for is an expression that becomes true in the page.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from hang_guard import HANG_SECONDS

CHROMIUM = shutil.which("chromium")

FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--force-color-profile=srgb", "--font-render-hinting=none", "--disable-dev-shm-usage"),
    *("--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-port=0"),
)

WIDE = (1440, 900)
NARROW = (380, 760)

_CODES = {"Enter": 13, "Escape": 27, "End": 35, "Home": 36, "ArrowUp": 38, "ArrowDown": 40}
"""The codes of keys that a browser itself reacts to."""

_EVERY = 0.02
"""Seconds between two looks at what a test waits for."""


class Page:
    """A page of the browser.

    Attributes:
        errors: Warnings and errors on the console, and exceptions that nothing caught.
        requests: The addresses that were requested.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self.errors: list[str] = []
        self.requests: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.command(f"{domain}.enable")

    def command(self, method: str, **parameters: object) -> Any:
        """Send a command and return its result."""
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=HANG_SECONDS))
            if message.get("id") == number:
                assert "error" not in message, f"{method}: {message['error']}"
                return message["result"]
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        method, told = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = told["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning"):
            self.errors.append(str([one.get("value") for one in told["args"]]))
        elif method == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.errors.append(told["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])

    def open(self, path: Path, place: str = "") -> None:
        """Open a file, and wait until the report shows."""
        self.command("Page.navigate", url="about:blank")
        self.command("Page.navigate", url=f"{path.absolute().as_uri()}{place}")
        self.wait("document.getElementById('main')?.getAttribute('aria-busy') === 'false'")

    def run(self, expression: str) -> Any:
        """Evaluate an expression of JavaScript in the page; waits for promises."""
        told = self.command(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        details = told.get("exceptionDetails")
        assert details is None, f"{expression}: {details}"
        return told["result"].get("value")

    def wait(self, expression: str) -> Any:
        """Evaluate an expression until it is true, and return its value."""
        deadline = time.monotonic() + HANG_SECONDS
        while not (value := self.run(expression)):
            assert time.monotonic() < deadline, f"not true: {expression}; {self.errors}"
            time.sleep(_EVERY)
        return value

    def text(self, selector: str) -> str:
        """The visible text of an element."""
        return str(self.run(f"document.querySelector({json.dumps(selector)}).innerText"))

    def click(self, selector: str) -> None:
        """Click into the middle of an element, as a mouse does."""
        found = f"document.querySelector({json.dumps(selector)})"
        x, y = self.run(
            f"(() => {{ const e = {found}; e.scrollIntoView({{block: 'nearest'}});"
            " const b = e.getBoundingClientRect();"
            " return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.command(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    def press(self, *keys: str) -> None:
        """Press keys, by their names in ``KeyboardEvent.key``."""
        for key in keys:
            code = {"windowsVirtualKeyCode": _CODES.get(key, 0)}
            text = {"text": key} if len(key) == 1 else {}
            self.command("Input.dispatchKeyEvent", type="keyDown", key=key, **code, **text)
            self.command("Input.dispatchKeyEvent", type="keyUp", key=key, **code)

    def type(self, text: str) -> None:
        """Enter a text where the focus is."""
        self.command("Input.insertText", text=text)

    def resize(self, size: tuple[int, int]) -> None:
        """Give the page a size in pixels."""
        width, height = size
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def emulate(self, *, dark: bool = False, media: str = "") -> None:
        """Set what the system prefers, and the medium."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def screenshot(self, path: Path) -> None:
        """Save what is visible as a PNG file."""
        path.write_bytes(base64.b64decode(self.command("Page.captureScreenshot")["data"]))

    def pdf(self) -> bytes:
        """Print the page."""
        return base64.b64decode(self.command("Page.printToPDF", printBackground=True)["data"])


@contextmanager
def browser(*flags: str) -> Iterator[Page]:
    """Start Chromium with one page; later flags win."""
    assert CHROMIUM is not None, "there is no chromium: apt-get install chromium"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        process = subprocess.Popen(
            [CHROMIUM, *FLAGS, *flags, f"--user-data-dir={home}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"HOME": home},
        )
        try:
            with connect(_address(Path(home), process), max_size=None, compression=None) as socket:
                yield Page(socket)
        finally:
            process.terminate()
            process.wait(HANG_SECONDS)


def _address(home: Path, process: subprocess.Popen[bytes]) -> str:
    """The WebSocket of the first page."""
    deadline = time.monotonic() + HANG_SECONDS
    while True:
        assert process.poll() is None, f"chromium ended with {process.returncode}"
        assert time.monotonic() < deadline, "chromium does not start"
        port = home / "DevToolsActivePort"
        if port.exists() and len(lines := port.read_text().splitlines()) == 2:
            break
        time.sleep(_EVERY)
    # The browser's own socket opens the page's: its address needs no HTTP.
    with connect(f"ws://127.0.0.1:{lines[0]}{lines[1]}", compression=None) as socket:
        while True:
            socket.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
            targets = json.loads(socket.recv(timeout=HANG_SECONDS))["result"]["targetInfos"]
            pages = [one["targetId"] for one in targets if one["type"] == "page"]
            if pages:
                return f"ws://127.0.0.1:{lines[0]}/devtools/page/{pages[0]}"
            assert time.monotonic() < deadline, "chromium opens no page"
            time.sleep(_EVERY)
