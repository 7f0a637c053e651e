"""A mitmdump process: started with scripts and options, watched, ended.

It listens on 127.0.0.1 on a port of its choice. What its hooks see comes from
``addon_probe.py`` through a pipe; what it logs is read from its standard output.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from flow_reader import flows
from hang_guard import HANG_SECONDS

if TYPE_CHECKING:
    from typing_extensions import Self

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE / "addon_scripts"
"""What some tests load into mitmproxy besides the addon."""
ENVIRONMENT = HERE.parents[1] / ".venv-mitmproxy"
PYTHON = ENVIRONMENT / "bin" / "python"

END_SECONDS = 60
"""What a mitmdump gets to end by itself; what it does then is no test's business."""

Event = dict[str, Any]
T = TypeVar("T")


def whole(data: bytes, at: int) -> int:
    """Where the flow that begins at an offset ends: its length, a colon, so many bytes, a tag."""
    colon = data.find(b":", at)
    return len(data) + 1 if colon < 0 else colon + 1 + int(data[at:colon]) + 1


class Mitmdump:
    """A running mitmdump; a context manager that ends it.

    Args:
        directory: where its configuration and its flow file go.
        scripts: addons to load, in front of the probe.
        options: for ``--set``, as ``name=value``.
    """

    def __init__(
        self, directory: Path, scripts: Sequence[Path | str] = (), options: Sequence[str] = ()
    ) -> None:
        self.flow_file = directory / "flows"
        self.log: list[str] = []
        self.port = 0
        self.release = self.python = ""
        self._events: list[Event] = []
        self._flows: dict[str, dict[str, Any]] = {}
        self._flows_read = 0
        self._changed = threading.Condition()
        reading, writing = os.pipe()
        arguments: list[str | Path] = ["-w", self.flow_file, "--listen-host", "127.0.0.1"]
        arguments += ["--listen-port", "0"]
        for script in (*scripts, HERE / "addon_probe.py"):
            arguments += ["-s", script]
        for option in (f"confdir={directory / 'conf'}", "flow_detail=0", *options):
            arguments += ["--set", option]
        self._process = subprocess.Popen(
            [PYTHON, ENVIRONMENT / "bin" / "mitmdump", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=[writing],
            env=os.environ | {"PROBE": str(writing), "PYTHONUNBUFFERED": "1"},
        )
        os.close(writing)
        self._threads = [
            threading.Thread(target=self._read_events, args=(reading,), daemon=True),
            threading.Thread(target=self._read_log, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        running = self.wait(lambda event: event["event"] == "running")
        self.port, self.release = running["port"], running["release"]
        self.python = running["python"]
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def _read_events(self, descriptor: int) -> None:
        with os.fdopen(descriptor) as lines:
            for line in lines:
                with self._changed:
                    self._events.append(json.loads(line))
                    self._changed.notify_all()
        # Its last lines must be in the log by then.
        self._threads[1].join(HANG_SECONDS)
        with self._changed:
            self._events.append({"event": "gone"})
            self._changed.notify_all()

    def _read_log(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self.log.append(line.rstrip("\n"))
                self._changed.notify_all()

    def wait(self, wanted: Callable[[Event], bool]) -> Event:
        """Return an event; wait for it if it has not happened."""

        def look() -> Event | None:
            found = next((event for event in self._events if wanted(event)), None)
            if found is None:
                self._require_running()
            return found

        return self._until(look)

    def logged(self, *texts: str, since: int = 0) -> str:
        """Wait for a line of the log that holds one of some texts.

        Args:
            texts: any of them will do.
            since: how many lines to leave out.
        """

        def look() -> str | None:
            lines = self.log[since:]
            found = next((line for line in lines if any(text in line for text in texts)), None)
            if found is None:
                self._require_running()
            return found

        return self._until(look)

    def _require_running(self) -> None:
        """Fail at once where nothing more can come."""
        if self._events and self._events[-1]["event"] == "gone":
            raise AssertionError("mitmdump has ended\n" + "\n".join(self.log))

    def _until(self, look: Callable[[], T | None]) -> T:
        with self._changed:
            found = self._changed.wait_for(look, timeout=HANG_SECONDS)
        assert found is not None, "it did not come\n" + "\n".join(self.log)
        return found

    def events(self, path: str) -> list[Event]:
        """What the hooks of one connection saw so far."""
        with self._changed:
            return [event for event in self._events if event.get("path") == path]

    def ended(self, path: str) -> Event:
        """Wait for the end of a connection, and for its flow to be in the file."""
        return self.wait(lambda event: event["event"] == "end" and event["path"] == path)

    def flow(self, path: str) -> dict[str, Any]:
        """What the flow file holds of a connection that has ended."""
        self.ended(path)
        if path not in self._flows:
            with self.flow_file.open("rb") as file:
                file.seek(self._flows_read)
                data = file.read()
            at = 0
            # The last flow may be incomplete while it is being written.
            while at < len(data) and (end := whole(data, at)) <= len(data):
                (flow,) = flows(data[at:end])
                self._flows[flow["request"]["path"].decode()] = flow
                at = end
            self._flows_read += at
        return self._flows[path]

    def end(self) -> None:
        """End the process, by its id, and wait for it."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for thread in self._threads:
            thread.join(HANG_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()


Start = Callable[..., Mitmdump]
"""Starts one with options, and ends it with the test: the fixture ``start``."""
