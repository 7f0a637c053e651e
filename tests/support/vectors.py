"""Reads `vectors/*.jsonl`: the bytes and expectations that the tests of both languages share.

`vectors/README.md` describes the files field by field. This module gives their lines as they are
and turns the notation for bytes into bytes; `wire_cases.py` makes wire cases of them. The Rust
tests have a reader of their own in `rust/wsdefrag-core/tests/vectors/reading.rs`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import wsdefrag

DIRECTORY = Path(__file__).resolve().parents[2] / "vectors"

Line = dict[str, Any]

_TOKEN = re.compile(
    r"""
    [\s|]+
    | '(?P<text>[^'\\]*)'
    | (?P<first>[0-9a-f]{2})\.\.(?P<last>[0-9a-f]{2})
    | (?P<byte>[0-9a-f]{2})
    | (?P<open>\()
    | \)(?: \*(?P<times>[0-9]+) | \^(?P<key>[0-9a-f]{8}) )
    """,
    re.VERBOSE,
)


def read_bytes(notation: str) -> bytes:
    """The bytes that the notation of the vectors stands for.

    Raises:
        ValueError: If it is not that notation.
    """
    stack = [bytearray()]
    at = 0
    while at < len(notation):
        token = _TOKEN.match(notation, at)
        if token is None:
            raise ValueError(f"no notation for bytes at {notation[at : at + 20]!r}")
        at = token.end()
        if token["open"]:
            stack.append(bytearray())
        elif token["times"] or token["key"]:
            inner = stack.pop()
            if not stack:
                raise ValueError(f"nothing was opened before {notation[:at][-20:]!r}")
            if token["times"]:
                stack[-1] += inner * int(token["times"])
            else:
                key = bytes.fromhex(token["key"])
                stack[-1] += bytes(byte ^ key[index % 4] for index, byte in enumerate(inner))
        elif token["byte"]:
            stack[-1].append(int(token["byte"], 16))
        elif token["first"]:
            stack[-1] += bytes(range(int(token["first"], 16), int(token["last"], 16) + 1))
        elif token["text"]:
            stack[-1] += token["text"].encode()
    (result,) = stack
    return bytes(result)


def lines(name: Literal["wire", "errors", "deflate", "heads"]) -> list[Line]:
    """The lines of one of the files."""
    text = (DIRECTORY / f"{name}.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def deflate_params(line: Line) -> wsdefrag.DeflateParams | None:
    """The agreed parameters of a line; None if it has none."""
    return None if line.get("deflate") is None else wsdefrag.DeflateParams(**line["deflate"])


@dataclass(frozen=True)
class Rule:
    """What every error of one kind has in common."""

    error: type[wsdefrag.WebSocketError]
    close_code: int
    rfc_section: str


@cache
def rules() -> dict[str, Rule]:
    """Each kind of error in `errors.jsonl`; a limit's kind is its name."""
    found: dict[str, Rule] = {}
    for line in lines("errors"):
        error = line["error"]
        rule = Rule(getattr(wsdefrag, error["type"]), error["close_code"], line["rfc"])
        assert found.setdefault(error["kind"], rule) == rule, line["name"]
    return found
