"""``ReadOptions``: what a query asks for, from the texts that Spark passes on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wsdefrag.ingest.folder import FILES
from wsdefrag.tasks.points import MOST_TASKS

TABLES = ("messages", "connections", "events")

_TRUTHS = {"true": True, "false": False}


def _truth(name: str, text: str) -> bool:
    if text.lower() not in _TRUTHS:
        raise ValueError(f"option {name} must be true or false, not {text!r}")
    return _TRUTHS[text.lower()]


def _number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"option {name} must be a whole number, not {text!r}") from None


def _tasks(name: str, text: str) -> int:
    tasks = _number(name, text)
    if not 1 <= tasks <= MOST_TASKS:
        raise ValueError(f"option {name} must be a number from 1 to {MOST_TASKS}, not {text!r}")
    return tasks


def _seconds(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"option {name} must be a number of seconds, not {text!r}") from None


def _one_of(name: str, text: str, values: tuple[str, ...]) -> str:
    if text not in values:
        raise ValueError(f"option {name} must be one of {', '.join(values)}, not {text!r}")
    return text


def _expression(name: str, text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"option {name} is no regular expression: {error}: {text!r}") from None
    return text


def _names(_: str, text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _text(_: str, text: str) -> str:
    return text


# The options that `Capture` takes: their names here, there, and how their texts are read.
_OF_CAPTURE: dict[str, tuple[str, Any]] = {
    "keylog": ("keylog", _text),
    "content": ("content", _truth),
    "resync": ("resync", _truth),
    "deflate": ("deflate", _text),
    "key": ("key", _text),
    "idleTimeout": ("idle_timeout", _seconds),
    "maxConnections": ("max_connections", _number),
    "memory": ("memory", _number),
    "decodeAs": ("decode_as", _names),
}
_OF_SOURCE = (
    "path",
    "files",
    "capturePoint",
    "table",
    "columns",
    "errors",
    "spread",
    "state",
    "quiet",
    "maxFilesPerTrigger",
)


@dataclass(frozen=True)
class ReadOptions:
    """What a query asks for. ``WebSocketCaptures`` describes each option.

    Attributes:
        path: A folder of captures, or one capture.
        files: A regular expression for whole names of captures.
        point: A regular expression whose first group is the name of a file's capture point; None
            if all files are of one capture point.
        table: The name of the table.
        columns: The columns of the table in their order; None for all.
        gives_errors: Whether files that cannot be read are rows; if not, they end the query.
        tasks: How many tasks read the largest capture point.
        state: The folder of a stream's states.
        quiet: Seconds without a change after which a stream takes a point's newest file.
        max_files: How many files a micro-batch of a stream has at most; None for no limit.
        capture: The options of ``Capture``.
    """

    path: str
    files: str
    point: str | None
    table: str
    columns: tuple[str, ...] | None
    gives_errors: bool
    tasks: int
    state: str | None
    quiet: float
    max_files: int | None
    capture: dict[str, Any]

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> ReadOptions:
        """Read the options of a query, whose names may have any case.

        Raises:
            ValueError: If there is no path, or an option is unknown or has none of its values.
        """
        known = {name.lower(): name for name in (*_OF_SOURCE, *_OF_CAPTURE)}
        given: dict[str, str] = {}
        for name, text in texts.items():
            if name.lower() not in known:
                raise ValueError(
                    f"wsdefrag has no option {name!r}; its options are {', '.join(known.values())}"
                )
            given[known[name.lower()]] = text
        if not given.get("path"):
            raise ValueError(
                "the path is missing: .load(FOLDER), or .option('path', FOLDER).load()"
            )
        point = given.get("capturePoint")
        if point is not None and re.compile(_expression("capturePoint", point)).groups == 0:
            raise ValueError(
                f"option capturePoint needs a group, the name of the capture point: {point!r}"
            )
        columns = given.get("columns")
        most = given.get("maxFilesPerTrigger")
        errors = _one_of("errors", given.get("errors", "fail"), ("fail", "rows"))
        return cls(
            path=given["path"],
            files=_expression("files", given.get("files", FILES)),
            point=point,
            table=_one_of("table", given.get("table", "messages"), TABLES),
            columns=None if columns is None else tuple(_names("columns", columns)),
            gives_errors=errors == "rows",
            tasks=_tasks("spread", given.get("spread", "1")),
            state=given.get("state"),
            quiet=_seconds("quiet", given.get("quiet", "10")),
            max_files=None if most is None else _number("maxFilesPerTrigger", most),
            capture={
                there: read(name, given[name])
                for name, (there, read) in _OF_CAPTURE.items()
                if name in given
            },
        )
