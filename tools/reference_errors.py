"""The kinds of errors, each with an example, as sections of the reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "errors.jsonl"


def examples() -> dict[str, dict[str, Any]]:
    """The shortest case of each kind, in the order of the file."""
    found: dict[str, dict[str, Any]] = {}
    for line in _VECTORS.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        kind = case["error"]["kind"]
        if kind not in found or len(case["wire"]) < len(found[kind]["wire"]):
            found[kind] = case
    return found


def errors() -> str:
    """A table of all kinds, and a section for each of them, in Markdown."""
    rows = ["| kind | exception | close code | section |", "| --- | --- | --- | --- |"]
    parts = []
    for kind, case in examples().items():
        error = case["error"]
        rows.append(
            f"| [`{kind}`](#{kind}) | `{error['type']}` | {error['close_code']} | {case['rfc']} |"
        )
        parts.append(f"## {kind}\n\n{case['rule']}\n\n{_example(case)}")
    return "\n".join(rows) + "\n\n" + "\n".join(parts)


def _example(case: dict[str, Any]) -> str:
    lines = [f"bytes    {case['wire']}", f"from     {case['from']}"]
    if "deflate" in case:
        agreed = "; ".join(["permessage-deflate", *map(str, case["deflate"])])
        lines.append(f"agreed   {agreed}")
    for name in ("limits", "strictness"):
        if name in case:
            values = ", ".join(f"{key}={value}" for key, value in case[name].items())
            lines.append(f"{name:<8} {values}")
    lines.append(f"str      {case['error']['text']}")
    return "```text\n" + "\n".join(lines) + "\n```\n"
