"""Draws traffic as an SVG, which browsers, chats and trackers show.

It has the style of the reader: dark where that prefers dark. A bar says its time and its amounts
where the pointer rests on it. Lengths are in pixels.
"""

from __future__ import annotations

import math
from typing import IO, TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from wsdefrag.formats.plot_style import BROKEN, CLIENT, FAINT, GAP, INK, SERVER
from wsdefrag.formats.traffic import (
    BARS,
    Axis,
    Traffic,
    bytes_of,
    heading_of,
    lost_text,
    messages_of,
    numbers_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDTH, _TOP, _ROW, _BOTTOM = 1180, 72, 160, 24
# The left edge of each chart, and the size of its inside.
_LEFTS, _INSIDE, _HEIGHT = (70, 660), 500, 108

_STYLE = f"""
:root {{ --ink: {INK}; --faint: {FAINT}; --ground: #ffffff; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e2e8f0; --faint: #4a5568; --ground: #1a202c; }}
}}
text {{ fill: var(--ink); font: 12px system-ui, sans-serif; }}
.heading {{ font-size: 15px; }} .name {{ font-weight: bold; font-size: 13px; }}
.lost {{ fill: {BROKEN}; }} .middle {{ text-anchor: middle; }} .end {{ text-anchor: end; }}
.ground {{ fill: var(--ground); }} .grid {{ stroke: var(--faint); stroke-width: 0.5; }}
.axis {{ stroke: var(--faint); }} .open {{ stroke: var(--ink); stroke-width: 1.4; }}
.client {{ fill: {CLIENT}; }} .server {{ fill: {SERVER}; }}
.gap {{ stroke: {GAP}; stroke-width: 2; }} .broken {{ stroke: {BROKEN}; stroke-width: 2; }}
"""


def write_svg(shown: list[Traffic], connections: int, title: str, file: IO[bytes]) -> None:
    """Draw rows of traffic.

    Args:
        shown: The rows.
        connections: How many connections the capture has.
        title: The title of the picture.
        file: A binary file, open for writing.
    """
    height = _TOP + _ROW * max(len(shown), 1) + _BOTTOM
    heading = heading_of(shown, connections, title)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
            f'width="{_WIDTH}" height="{height}" role="img" aria-label={quoteattr(heading)}>'
        ),
        f"<style>{_STYLE}</style>",
        f'<rect class="ground" width="{_WIDTH}" height="{height}"/>',
        _text(16, 24, heading, "heading"),
    ]
    if shown:
        parts += _legend()
        axis = Axis.of(shown)
        for left, name in zip(
            _LEFTS, ("messages a second", "bytes on the wire a second"), strict=True
        ):
            parts.append(_text(left, 52, name, "name"))
        for row, one in enumerate(shown):
            parts += _row(one, axis, _TOP + _ROW * row)
        for left in _LEFTS:
            parts.append(_text(left + _INSIDE / 2, height - 8, axis.label, "middle"))
    else:
        parts.append(_text(_WIDTH / 2, height / 2, "no messages", "heading middle"))
    file.write("\n".join([*parts, "</svg>\n"]).encode())


def _legend() -> Iterator[str]:
    left = 590
    for mark, text in (
        ('<rect class="client" x="{}" y="14" width="12" height="12"/>', "from the client (up)"),
        ('<rect class="server" x="{}" y="14" width="12" height="12"/>', "from the server (down)"),
        (_cross("{}", 20), "message not whole"),
        ('<path class="gap" d="M{} 12v16"/>', "gap"),
    ):
        yield mark.format(left)
        yield _text(left + 18, 24, text)
        left += 30 + 7 * len(text)


def _row(one: Traffic, axis: Axis, top: float) -> Iterator[str]:
    """The two charts of a row, with their titles."""
    yield _text(_LEFTS[0], top + 10, one.title)
    yield _text(
        _LEFTS[1] + _INSIDE, top + 10, numbers_of(one), "end lost" if lost_text(one) else "end"
    )
    for left, of_side, noun in (
        (_LEFTS[0], messages_of, "messages"),
        (_LEFTS[1], bytes_of, "bytes"),
    ):
        sides = [of_side(one, side, axis) for side in (0, 1)]
        yield from _chart(one, axis, sides, (left, top + 18), noun)


def _chart(
    one: Traffic, axis: Axis, sides: list[list[float]], corner: tuple[float, float], noun: str
) -> Iterator[str]:
    """A chart: grid, bars of both sides, the zero line, marks."""
    left, top = corner
    rates = [axis.rates(amounts) for amounts in sides]
    highest, lowest = max(rates[0], default=0.0) or 1.0, max(rates[1], default=0.0)
    step = _step((highest + lowest) / 5)
    highest = step * math.ceil(highest / step)
    lowest = step * math.ceil(lowest / step)
    scale = _HEIGHT / (highest + lowest)
    zero = top + highest * scale
    for number in range(-round(lowest / step), round(highest / step) + 1):
        y = zero - number * step * scale
        yield f'<path class="grid" d="M{left} {y:.1f}h{_INSIDE}"/>'
        yield _text(left - 6, y + 4, _short(abs(number * step)), "end")
    bar = _INSIDE / BARS
    for place in range(BARS):
        amounts = [side[place] for side in sides]
        if not any(amounts):
            continue
        up, down = rates[0][place] * scale, rates[1][place] * scale
        moment = f"{place * axis.end / BARS:.3g} {axis.name}"
        told = f"{moment}: {amounts[0]:,.0f} {noun} up, {amounts[1]:,.0f} down"
        x = left + place * bar
        yield (
            f"<g><title>{escape(told)}</title>"
            f'<rect class="client" x="{x:.2f}" y="{zero - up:.2f}" width="{bar:.2f}" '
            f'height="{up:.2f}"/><rect class="server" x="{x:.2f}" y="{zero:.2f}" '
            f'width="{bar:.2f}" height="{down:.2f}"/></g>'
        )

    def at(moment: float) -> float:
        return left + _INSIDE * moment / axis.end

    begin, end = (at(axis.at(time)) for time in (one.opened_ns, max(one.opened_ns, one.last_ns)))
    yield f'<path class="open" d="M{begin:.1f} {zero:.1f}H{end:.1f}"/>'
    for x in map(at, axis.marks(one.gaps)):
        yield f'<path class="gap" d="M{x:.1f} {zero - 8:.1f}v16"/>'
    for x in map(at, axis.marks(one.broken)):
        yield _cross(f"{x:.1f}", zero)
    bottom = top + _HEIGHT
    yield f'<path class="axis" d="M{left} {bottom}h{_INSIDE}"/>'
    tick = _step(axis.end / 5)
    for number in range(int(axis.end / tick) + 1):
        x = at(number * tick)
        yield f'<path class="axis" d="M{x:.1f} {bottom}v4"/>'
        yield _text(x, bottom + 17, f"{number * tick:.10g}", "middle")


def _cross(x: str, y: float) -> str:
    return f'<path class="broken" d="M{x} {y:.1f}m-4 -4l8 8m0 -8l-8 8"/>'


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    styled = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{styled}>{escape(text)}</text>'


def _step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, ... that is not less."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * 0.999)


def _short(amount: float) -> str:
    """A rate with a letter for its power of a thousand."""
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if amount >= factor:
            return f"{amount / factor:.4g} {letter}"
    return f"{amount:.4g}"
