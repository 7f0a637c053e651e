"""The picture of a capture's traffic: its contents, and that it is the same each time."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import pytest
from matplotlib.image import imread

from capture_conversation import Conversation, capture_of, merged, text
from capture_recordings import LOADED
from cli_captures import DEMO, SNAPPED, damaged, gapped, invoke_capture, plain, truth
from wsdefrag.capture import Capture
from wsdefrag.formats import traffic
from wsdefrag.formats.plot import write_plot
from wsdefrag.formats.plot_png import make_figure


def drawn(source: Any, format: Literal["png", "svg"] = "svg", **options: Any) -> bytes:
    file = io.BytesIO()
    write_plot(
        Capture(io.BytesIO(source) if isinstance(source, bytes) else source),
        file,
        format=format,
        **options,
    )
    return file.getvalue()


def figure(source: Any, most: int = 6) -> Any:
    capture = Capture(io.BytesIO(source) if isinstance(source, bytes) else source)
    found, files = traffic.read_traffic(capture)
    shown = traffic.busiest(found, most)
    return make_figure(shown, len(found), traffic.file_title(files))


def texts(picture: Any) -> list[str]:
    return [text.get_text() for text in picture.texts]


def areas(axes: Any) -> list[float]:
    """The total of each direction of a chart: rates times seconds."""
    totals = []
    for patch in axes.patches:
        values, edges, _ = patch.get_data()
        totals.append(sum(values) * (edges[1] - edges[0]))
    return totals


def test_panels_hold_the_messages_and_bytes_of_the_busiest_first() -> None:
    messages = list(Capture(DEMO))
    expected = []
    for number in range(5):
        own = [one for one in messages if one.connection.connection == number]
        sides = [[one for one in own if one.from_client is side] for side in (True, False)]
        expected.append([
            [len(side) for side in sides],
            [sum(one.wire_length for one in side) for side in sides],
        ])  # fmt: skip
    expected.sort(key=lambda counts: -sum(counts[1]))
    together = [[sum(one[kind][side] for one in expected) for side in (0, 1)] for kind in (0, 1)]
    known = sorted(
        [len(one.messages["client"]), len(one.messages["server"])] for one in truth("demo").values()
    )
    assert sorted(counts[0] for counts in expected) == known
    axes = figure(DEMO).axes
    assert len(axes) == 12
    for row, counts in enumerate([together, *expected]):
        for panel, (up, down) in zip(axes[2 * row : 2 * row + 2], counts, strict=True):
            drawn_up, drawn_down = areas(panel)
            assert drawn_up == pytest.approx(up)
            assert drawn_down == pytest.approx(-down)


def test_only_the_busiest_are_drawn() -> None:
    picture = figure(DEMO, 2)
    assert texts(picture)[0] == "demo.pcapng: 2 of 5 connections"
    (together, _, first, _, second, _) = picture.axes
    assert together.get_title(loc="left") == "all 5 connections"
    paths = {"/stations/ridge", "/chat"}
    titles = [axes.get_title(loc="left") for axes in (first, second)]
    assert {path for path in paths if any(path in title for title in titles)} == paths


def test_axis_of_time_has_more_than_two_ticks() -> None:
    for name in ("demo", "snap-length", "midstream"):
        for axes in figure(LOADED[name].path).axes:
            low, high = axes.get_xlim()
            assert sum(low <= tick <= high for tick in axes.get_xticks()) > 2


def test_title_names_all_files() -> None:
    assert traffic.file_title(["/tmp/a/one.pcap", "two.pcap"]) == "one.pcap and 1 more"
    assert texts(figure(plain()))[0] == "<stream>: 1 connection"
    assert b"given by the caller" in drawn(DEMO, title="given by the caller")


def test_bytes_of_a_long_message_are_spread_over_its_packets() -> None:
    talk = Conversation().open().upgrade()
    frame = text(True, "x" * 100_000)
    for start in range(0, len(frame), 1000):
        talk.says(True, frame[start : start + 1000])
        talk.wait(10**8)
    counted, bytes_ = figure(capture_of(talk.segments)).axes
    assert sum(value != 0 for value in counted.patches[0].get_data()[0]) == 1
    values, edges, _ = bytes_.patches[0].get_data()
    assert areas(bytes_)[0] == pytest.approx(len(frame))
    filled = [value for value in values if value > 1]
    assert len(filled) > 0.9 * len(values)
    # All but the first and the last bar have the same rate.
    assert max(filled[1:-1]) == pytest.approx(min(filled[1:-1]))
    assert edges[0] == 0


def test_gap_has_a_mark_at_its_time() -> None:
    (gap,) = [one for one in Capture(io.BytesIO(gapped())).events() if one.kind == "gap"]
    start = gap.connection.opened_ns
    for panel in figure(gapped()).axes:
        _, gaps, _ = panel.lines
        assert gap.timestamp_ns is not None
        (at,) = gaps.get_xdata()
        assert at == pytest.approx((gap.timestamp_ns - start) / 1e9, abs=0.001)


def test_message_that_is_not_whole_has_a_mark_at_its_time() -> None:
    axes, other = figure(gapped()).axes
    for panel in (axes, other):
        _, _, marks = panel.lines
        assert len(marks.get_xdata()) == 1
        (at,) = marks.get_xdata()
        (lossy,) = [one for one in Capture(io.BytesIO(gapped())) if one.status != "ok"]
        start = lossy.connection.opened_ns
        assert at == pytest.approx((lossy.timestamp_ns - start) / 1e9, abs=0.001)
    assert other.get_title(loc="right") == "3 up, 0 down; 1 not whole; 100 bytes not captured"
    assert len(figure(plain()).axes[0].lines[1].get_xdata()) == 0
    assert len(figure(plain()).axes[0].lines[2].get_xdata()) == 0


@pytest.mark.parametrize("format", ["png", "svg"])
@pytest.mark.parametrize("name", ["demo", "snap-length", "midstream", "refused"])
def test_picture_is_the_same_every_time(name: str, format: Literal["png", "svg"]) -> None:
    path = LOADED[name].path
    first = drawn(path, format)
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9, "svg.hashsalt": "other"}):
        assert drawn(path, format) == first
        assert mpl.rcParams["font.size"] == 30


def test_picture_names_neither_a_day_nor_a_release() -> None:
    svg = drawn(DEMO).decode()
    assert "dc:date" not in svg
    assert mpl.__version__ not in svg
    assert b"Software" not in drawn(DEMO, "png")


def test_svg_needs_no_library() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = sys.modules['numpy'] = None\n"
        "from wsdefrag.capture import Capture, write_plot\n"
        f"write_plot(Capture({str(DEMO)!r}), sys.stdout.buffer, format='svg')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == drawn(DEMO)


def elements(svg: bytes, kind: str) -> list[ET.Element]:
    return [one for one in ET.fromstring(svg).iter() if one.get("class") == kind]


def test_svg_has_the_messages_and_bytes_in_its_bars() -> None:
    """The title of each bar has what it stands for, and its height is in proportion."""
    messages = list(Capture(DEMO))
    svg = drawn(DEMO, connections=1)
    found = {("messages", 0): 0, ("messages", 1): 0, ("bytes", 0): 0, ("bytes", 1): 0}
    for title in (one for one in ET.fromstring(svg).iter() if one.tag.endswith("title")):
        match = re.search(r": ([\d,]+) (messages|bytes) up, ([\d,]+) down$", title.text or "")
        assert match is not None
        for side in (0, 1):
            found[match[2], side] += int(match[1 + 2 * side].replace(",", ""))
    # The busiest connection is drawn below all of them together.
    busiest = Counter[int]()
    for one in messages:
        busiest[one.connection.connection] += one.wire_length
    ((number, _),) = busiest.most_common(1)
    drawn_twice = [*messages, *(one for one in messages if one.connection.connection == number)]
    for side in (0, 1):
        own = [one for one in drawn_twice if one.from_client == (side == 0)]
        assert found["messages", side] == len(own)
        # Each bar is rounded.
        assert found["bytes", side] == pytest.approx(sum(one.wire_length for one in own), abs=160)
    heights = [float(one.get("height") or 0) for one in elements(svg, "client")[1:]]
    assert max(heights) <= 108


def test_svg_marks_gaps_and_messages_that_are_not_whole() -> None:
    svg = drawn(gapped())
    # One in each chart, and one in the legend.
    assert [len(elements(svg, kind)) for kind in ("gap", "broken")] == [3, 3]
    assert [len(elements(drawn(plain()), kind)) for kind in ("gap", "broken")] == [1, 1]
    (lost,) = elements(svg, "end lost")
    assert lost.text == "3 up, 0 down; 1 not whole; 100 bytes not captured"


def test_names_from_outside_are_no_markup_in_an_svg() -> None:
    talk = Conversation().open().upgrade("/<script>alert(1)</script>", 'a"b&c.example')
    talk.says(True, text(True, "x"))
    root = ET.fromstring(drawn(capture_of(talk.segments), title='<a onload="x">'))
    assert not [one for one in root.iter() if one.tag.endswith(("script", "}a"))]
    shown = [one.text or "" for one in root.iter() if one.tag.endswith("text")]
    assert any('a"b&c.example/<script>alert(1)</script>' in text for text in shown)


def test_svg_is_one_and_png_is_large_enough_to_read() -> None:
    root = ET.fromstring(drawn(DEMO))
    assert root.tag.endswith("svg")
    height, width, _ = imread(io.BytesIO(drawn(DEMO, "png"))).shape
    assert width == 1440
    assert height > 1000


@pytest.mark.filterwarnings("error")
def test_names_from_outside_are_drawn_as_they_are() -> None:
    talk = Conversation().open().upgrade("/$\\frac{1}{2}$\u6c34\x9b" + "x" * 100, "$x^2$.example")
    talk.says(True, text(True, "x"))
    data = capture_of(talk.segments)
    title = figure(data).axes[0].get_title(loc="left")
    assert title.startswith("#0  $x^2$.example/$\\\\frac{1}{2}$\\u6c34\\x9bxxx...   192.0.2.10:")
    assert drawn(data, "png")


def test_long_capture_is_drawn_in_larger_units() -> None:
    for seconds, name in ((10, "seconds"), (1000, "minutes"), (50_000, "hours"), (900_000, "days")):
        talk = Conversation().open().upgrade()
        for _ in range(50):
            talk.says(True, text(True, "x"))
            talk.wait(seconds * 10**9 // 50 if seconds < 29_000 else 590 * 10**9)
        capture = Capture(io.BytesIO(capture_of(talk.segments)))
        ((one,), _) = traffic.read_traffic(capture)
        span = (one.times[0][-1] - one.opened_ns) / 1e9
        assert traffic.unit_of(span if seconds < 29_000 else seconds)[0] == name


def test_capture_without_messages_is_a_picture_that_says_so() -> None:
    empty = capture_of([])
    assert texts(figure(empty)) == ["", "no messages"]
    assert drawn(empty, "png").startswith(b"\x89PNG")


def test_one_moment_can_be_drawn() -> None:
    talk = Conversation(step=0).open().upgrade()
    talk.says(True, text(True, "x"))
    axes = figure(capture_of(talk.segments)).axes
    assert areas(axes[0])[0] == pytest.approx(1)


def test_several_connections_share_their_time() -> None:
    first, second = Conversation(), Conversation(("192.0.2.11", 50_001))
    second.wait(2 * 10**9)
    for talk in (first, second):
        talk.open().upgrade().says(True, text(True, "x"))
    axes = figure(capture_of(merged(first, second))).axes
    assert len({panel.get_xlim() for panel in axes}) == 1
    assert axes[2].lines[0].get_xdata()[0] == 0
    assert axes[4].lines[0].get_xdata()[0] == pytest.approx(2)


def test_no_connections_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="connections must be at least 1"):
        drawn(DEMO, connections=0)


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_command_writes_what_the_library_draws(
    tmp_path: Path, suffix: Literal["png", "svg"]
) -> None:
    output = tmp_path / f"out.{suffix}"
    result = invoke_capture("plot", DEMO, "-o", output, "--connections", "3")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    assert output.read_bytes() == drawn(DEMO, suffix, connections=3)


def test_command_says_what_was_lost_and_draws_a_damaged_capture(tmp_path: Path) -> None:
    assert invoke_capture("plot", SNAPPED, "-o", tmp_path / "a.png").exit_code == 1
    result = invoke_capture("plot", "-", "-o", tmp_path / "b.png", stdin=damaged(DEMO.read_bytes()))
    assert result.exit_code == 1
    assert "a length of 3 bytes is too short" in result.stderr
    assert (tmp_path / "b.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("out.jpg", "ends neither in .png nor in .svg."),
        ("nowhere/out.png", "nowhere does not exist."),
    ],
)
def test_unusable_output_ends_with_2(tmp_path: Path, output: str, says: str) -> None:
    result = invoke_capture("plot", DEMO, "-o", tmp_path / output)
    assert result.exit_code == 2
    assert says in re.sub(r"\s+", " ", result.stderr)
    assert list(tmp_path.iterdir()) == []
