"""Chromium, headless: a page opens WebSockets, sends what it is told to, and reports.

The page closes a connection once it has received all it waits for. What it sends is in the page, so
a `BrowserEndpoint` is known before the browser runs, and gets what it received afterwards.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import tempfile
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .asgi_peer import Receive, Send
from .endpoint import Content, Endpoint

PAGE = Path(__file__).with_name("browser_page.html")
PROGRAM = "chromium"
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--ignore-certificate-errors",
)


class BrowserEndpoint(Endpoint):
    """A connection of the page, which sends its messages without being told to."""

    def __init__(self, path: str, says: Iterable[Content], hears: int) -> None:
        super().__init__("Chromium")
        self.path = path
        self.sent = list(says)
        self.hears = hears
        self.extensions: str | None = None

    async def close(self, code: int | None, reason: str) -> None:
        raise NotImplementedError("the page closes")

    async def _send(self, message: Content) -> None:
        raise NotImplementedError("the page has its messages already")

    async def _receive(self) -> Content | None:
        raise NotImplementedError("the page reports at its end")


@dataclass(frozen=True)
class Ending:
    """The Close frame that the page ends each connection with."""

    code: int
    reason: str


class Browser:
    """The page: an ASGI application that serves it and receives its report."""

    def __init__(self, endpoints: Iterable[BrowserEndpoint], ending: Ending) -> None:
        self.endpoints = {endpoint.path: endpoint for endpoint in endpoints}
        self.reported = asyncio.Event()
        self._ending = ending

    async def page(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer a request."""
        body = b""
        if scope["method"] == "POST":
            while True:
                event = await receive()
                body += event.get("body", b"")
                if not event.get("more_body"):
                    break
            self._take(json.loads(body))
            answer, kind = b"thanks", b"text/plain"
        elif scope["path"] == "/":
            answer, kind = self._html().encode(), b"text/html; charset=utf-8"
        else:
            answer, kind = b"", b"image/x-icon"
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def _html(self) -> str:
        asked = [
            {
                "path": endpoint.path,
                "says": [_entry(message) for message in endpoint.sent],
                "hears": endpoint.hears,
                "code": self._ending.code,
                "reason": self._ending.reason,
            }
            for endpoint in self.endpoints.values()
        ]
        return PAGE.read_text().replace("/* ASKED */ []", json.dumps(asked))

    def _take(self, report: Any) -> None:
        agent = report["browser"].partition("Chrome/")[2].partition(" ")[0]
        for told in report["connections"]:
            endpoint = self.endpoints[told["path"]]
            endpoint.peer = f"Chromium {agent}"
            endpoint.extensions = told["extensions"] or None
            endpoint.received = [_content(entry) for entry in told["received"]]
            endpoint.closed.set()
        self.reported.set()

    @asynccontextmanager
    async def opened(self, url: str, address: str, key_log: Path) -> AsyncIterator[None]:
        """Open the page, whose host is at `address`, in Chromium, which logs its keys."""
        with tempfile.TemporaryDirectory() as home:
            process = await asyncio.create_subprocess_exec(
                *(PROGRAM, *FLAGS, f"--user-data-dir={home}"),
                f"--host-resolver-rules=MAP {urlsplit(url).hostname} {address}, MAP * ~NOTFOUND",
                url,
                stdout=DEVNULL,
                stderr=DEVNULL,
                env=os.environ | {"SSLKEYLOGFILE": str(key_log), "HOME": home},
            )
            try:
                yield
            finally:
                process.terminate()
                await process.wait()


def _entry(message: Content) -> dict[str, str]:
    if isinstance(message, str):
        return {"text": message}
    return {"base64": base64.b64encode(message).decode()}


def _content(entry: dict[str, str]) -> Content:
    return entry["text"] if "text" in entry else base64.b64decode(entry["base64"])
