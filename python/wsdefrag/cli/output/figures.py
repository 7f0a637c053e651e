"""Formats the figures of ``wsdefrag stats`` for people."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from wsdefrag.cli.output.numbers import counted
from wsdefrag.formats.shown import escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Figures = dict[str, Any]

_UNITS = (
    (1e-6, 1e9, "ns"),
    (1e-3, 1e6, "us"),
    (1.0, 1e3, "ms"),
    (120.0, 1.0, "s"),
    (7200.0, 1 / 60, "min"),
)
_SIZES = ((1e3, 1.0, "B"), (1e6, 1e-3, "kB"), (1e9, 1e-6, "MB"))
_BAR = 30


def total_lines(total: Figures) -> list[str]:
    """Format the figures of all connections.

    Args:
        total: The figures.

    Returns:
        The lines.
    """
    lines = [_line("connections", _connections(total))]
    if total["first"] is not None:
        start = f"{datetime.fromtimestamp(total['first']):%Y-%m-%d %H:%M:%S}"
        lines.append(_line("time", f"{duration(total['seconds'])} from {start}"))
    for side in ("client", "server"):
        lines += _side_lines(side, total[side])
    for key, name in (
        ("ping_round_trip", "ping round trip"),
        ("latency_by_id", "latency by id"),
        ("latency_by_turns", "latency by turns"),
    ):
        if total[key] is not None:
            lines.append(_line(name, _percentiles(total[key], duration)))
    if total["longest_silence_began"] is not None:
        began = f"{datetime.fromtimestamp(total['longest_silence_began']):%H:%M:%S}"
        lines.append(_line("longest silence", f"{duration(total['longest_silence'])} from {began}"))
    if total["closes"]:
        closes = ", ".join(f"{code} ({count:,})" for code, count in total["closes"])
        lines.append(_line("closed with", closes))
    if total["connections"] > total["recorded"]:  # what was recorded had no packets to lose
        lines += _loss_lines(total)
    return lines


def group_lines(by: str, groups: Sequence[Figures]) -> list[str]:
    """Format the figures of groups as a table, the one with the most bytes first.

    Args:
        by: What the groups are.
        groups: Their figures.

    Returns:
        The lines.
    """
    head = [by, "connections", "->", "bytes", "<-", "bytes", "p50", "p99", "latency", "silence"]
    rows = [head]
    for one in sorted(groups, key=lambda one: -(one["client"]["bytes"] + one["server"]["bytes"])):
        client, server = one["client"], one["server"]
        largest = max(client, server, key=lambda side: side["messages"])["size"]
        latency = one["latency_by_id"] or one["latency_by_turns"]
        rows.append(
            [
                escaped(one["name"]),
                f"{one['connections']:,}",
                f"{client['messages']:,}",
                size(client["bytes"]),
                f"{server['messages']:,}",
                size(server["bytes"]),
                size(largest["p50"]) if largest else "-",
                size(largest["p99"]) if largest else "-",
                duration(latency["p50"]) if latency else "-",
                duration(one["longest_silence"]) if one["longest_silence"] else "-",
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def duration(seconds: float) -> str:
    """Format a duration with a unit that suits it."""
    if not seconds:
        return "0 s"
    for end, factor, unit in _UNITS:
        if seconds < end:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds / 3600:,.1f} h"


def size(amount: float) -> str:
    """Format a number of bytes with a unit that suits it."""
    for end, factor, unit in _SIZES:
        if amount < end:
            return f"{amount * factor:.3g} {unit}"
    return f"{amount / 1e9:,.1f} GB"


def _loss_lines(total: Figures) -> list[str]:
    """Format what was lost and what was sent twice, also if it is nothing."""
    sums = {
        name: total["client"][name] + total["server"][name]
        for name in ("missing_bytes", "late_bytes", "lost_bytes", "retransmissions", "overlaps")
    }
    parts = []
    if total["gaps"]:
        missing = counted(sums["missing_bytes"], "byte")
        parts.append(f"{counted(total['gaps'], 'gap')}, {missing} not captured")
    if sums["late_bytes"]:
        parts.append(f"{counted(sums['late_bytes'], 'byte')} captured too late")
    if sums["lost_bytes"]:
        parts.append(f"{counted(sums['lost_bytes'], 'byte')} that cannot be assigned to frames")
    again = counted(sums["retransmissions"], "segment")
    if sums["retransmissions"]:
        again += f", {sums['overlaps']:,} of them with other bytes"
    return [
        _line("lost", ", ".join(parts) or "nothing"),
        _line("retransmitted", again if sums["retransmissions"] else "nothing"),
    ]


def _connections(total: Figures) -> str:
    parts = [f"{total['connections']:,}"]
    for key, text in (("midstream", "without a handshake"), ("refused", "refused")):
        if total[key]:
            parts.append(f"{total[key]:,} {text}")
    if total["reconnects"]:
        parts.append(counted(total["reconnects"], "reconnect"))
    return ", ".join(parts)


def _side_lines(side: str, figures: Figures) -> list[str]:
    arrow = "->" if side == "client" else "<-"
    text = f"{counted(figures['messages'], 'message')}, {size(figures['bytes'])}"
    if figures["messages_per_second"] is not None:
        rate = f"{figures['messages_per_second']:,.1f} messages/s, "
        text += f" ({rate}{size(figures['bytes_per_second'])}/s)"
    if figures["not_whole"]:
        text += f", {figures['not_whole']:,} not whole"
    lines = ["", _line(f"{arrow} from the {side}", text)]
    if figures["size"] is not None:
        lines.append(_line("   size", _percentiles(figures["size"], size)))
        lines += _bars(figures["size_histogram"])
    if figures["compression_ratio"] is not None:
        ratio = (
            f"{figures['compressed']:,} messages, {figures['compression_ratio']:.1f} times smaller"
        )
        lines.append(_line("   compressed", ratio))
    if side == "server":
        lines.append("")
    return lines


def _bars(powers: Sequence[tuple[int, int]]) -> list[str]:
    """A bar for each power of two, as long as its share of the messages."""
    most = max(count for _, count in powers)
    return [
        _line(f"     under {end:,} B", f"{count:>9,} {'#' * max(1, round(_BAR * count / most))}")
        for end, count in powers
    ]


def _percentiles(figures: Figures, unit: Callable[[float], str]) -> str:
    names = ("min", "p50", "p90", "p99", "max")
    return ", ".join(f"{name} {unit(figures[name])}" for name in names)


def _line(name: str, text: str) -> str:
    return f"{name:<20} {text}"
