"""Reports in a real browser: what the page shows, and how it is used.

Chromium opens the page from a file, as people do. Where there is none, the tests are skipped, but
not on a machine that says that there must be one (`WSDEFRAG_NEEDS_CHROMIUM`).
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from browser import CHROMIUM, NARROW, WIDE, Page, browser
from report_captures import ATTACK, BINARY_CONTENT, TURNED, many, talks
from report_page import connections
from wsdefrag.capture import Capture, write_report

pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None and not os.environ.get("WSDEFRAG_NEEDS_CHROMIUM"),
        reason="NO REPORT IS TESTED: chromium is not installed (apt-get install chromium)",
    ),
    pytest.mark.xdist_group("browser"),
]

LIST = "document.querySelector('#messages .list')"
NUMBERS = (
    f"[...{LIST}.querySelectorAll('[role=row]')].map(e => +e.querySelector('.number').innerText)"
)
"""The numbers of the rows that are elements, from top to bottom."""

# Rows from which on a list is mapped to less than its height.
MANY = 320_000


def write(path: Path, data: bytes, **options: object) -> Path:
    with path.open("wb") as file:
        write_report(Capture(io.BytesIO(data)), file, **options)  # type: ignore[arg-type]
    return path


@pytest.fixture(scope="module")
def chromium() -> Iterator[Page]:
    with browser() as page:
        yield page


@pytest.fixture
def page(chromium: Page) -> Iterator[Page]:
    """A page of the usual size; whatever a test does, nothing may be on the console at its end."""
    chromium.resize(WIDE)
    chromium.emulate()
    chromium.errors.clear()
    chromium.requests.clear()
    yield chromium
    assert chromium.errors == []


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("report") / "talks.html", talks(), title="Talks")


@pytest.fixture(scope="module")
def long_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("report") / "many.html", many(MANY))


def rows(page: Page) -> list[str]:
    """The rows that are elements, from top to bottom."""
    found: list[str] = page.run(
        "[...document.querySelectorAll('#messages .list [role=row]')].map(e => e.innerText)"
    )
    return found


def shows(page: Page, text: str) -> None:
    """Wait until the pane of the chosen row shows a text."""
    page.wait(f"document.getElementById('message-pane').innerText.includes({json.dumps(text)})")


def choose(page: Page, **values: str) -> None:
    """Fill the filter as a user does, and wait for the count."""
    for name, value in values.items():
        page.run(
            f"(() => {{ const e = document.querySelector('.filter').elements[{name!r}];"
            f" e.value = {json.dumps(value)};"
            " e.dispatchEvent(new Event('input', {bubbles: true})); })()"
        )


def counted(page: Page, text: str) -> None:
    page.wait(f"document.querySelector('.list-status').textContent === {json.dumps(text)}")


def test_report_opens_from_a_file_and_loads_nothing(page: Page, report: Path) -> None:
    page.open(report)
    assert page.text("h1") == "Talks"
    assert page.run("document.querySelectorAll('.lane-row canvas').length") == 2
    assert page.requests == ["about:blank", report.as_uri()] or page.requests == [report.as_uri()]


def test_overview_has_the_sums_of_the_accounts(page: Page, report: Path) -> None:
    page.open(report)
    found = connections(report.read_bytes())
    sums = {
        name: sum(one[f"{side}_{name}"] for one in found for side in ("client", "server"))
        for name in ("bytes", "missing", "late", "lost", "emitted", "skipped", "trailing")
    }
    cells = page.run(
        "[...document.querySelectorAll('.account tr')]"
        ".map(e => [...e.children].map(c => c.innerText))"
    )
    both = {row[0]: row[3] for row in cells if len(row) > 3}
    captured = sums["bytes"] - sums["missing"] - sums["late"]
    assert sums["missing"] == 100
    assert both["all bytes"] == f"{sums['bytes']:,}"
    assert both["not captured"] == "100"
    assert both["captured in time"] == f"{captured:,}"
    assert both["lost"] == f"{sums['lost']:,}"
    assert both["whole messages"] == f"{sums['emitted']:,}"
    assert both["damaged messages"] == f"{sums['skipped']:,}"


def test_gap_of_the_overview_leads_to_its_row(page: Page, report: Path) -> None:
    page.open(report)
    page.wait("document.querySelector('.incidents').innerText.includes('inside a frame')")
    page.click(".incidents a[href*=event-c]")
    shows(page, "Gap in connection 0")
    shows(page, "100 bytes not captured")
    assert page.run("location.hash") == "#0/event-c1"
    page.wait("document.querySelector('.list [aria-selected=true]')?.dataset.kind === 'gap'")


def test_click_into_a_lane_goes_to_its_gap(page: Page, report: Path) -> None:
    page.open(report)
    page.click(".lane-row canvas")
    page.wait("location.hash.startsWith('#0/')")


def test_keys_go_from_gap_to_fault_and_back(page: Page, report: Path) -> None:
    page.open(report, "#0")
    page.press("n")
    shows(page, "Gap in connection 0")
    page.press("n")
    shows(page, "incomplete")
    page.press("p")
    shows(page, "Gap in connection 0")


def test_address_of_a_message_shows_it(page: Page, report: Path) -> None:
    page.open(report, "#0/17")
    shows(page, "Message 17 of connection 0")
    page.open(report, "#0/s8")
    shows(page, "Message 17 of connection 0")
    page.open(report, "#0/99")
    assert "no message 99" in page.text("#status")
    page.open(report, "#9")
    assert "no connection 9" in page.text("#status")


def test_json_is_laid_out_and_its_numbers_are_untouched(page: Page, report: Path) -> None:
    page.open(report, "#0/17")
    shows(page, '"user"')
    assert page.text("#content").split("\n") == [
        "{",
        '  "user": "ann",',
        '  "number": 12345678901234567890.10,',
        '  "tags": [],',
        '  "more": [',
        "    1,",
        "    {",
        '      "deep": null',
        "    }",
        "  ]",
        "}",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1,]",
        '{"a" 1}',
        '{"a":1,}',
        "[1 2]",
        "nul",
        "01",
        "[1]]",
        "1.",
        '["\t"]',
        "{} {}",
        "'a'",
    ],
)
def test_what_is_no_json_is_not_laid_out(page: Page, tmp_path: Path, text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    assert _views(page, tmp_path, text) == ["Text", "Hex"]


@pytest.mark.parametrize("text", ["[]", " {} ", "[1, -2.5e+3]", '"\\u00e9"', "[" * 900 + "]" * 900])
def test_what_is_json_is_laid_out(page: Page, tmp_path: Path, text: str) -> None:
    json.loads(text)
    assert _views(page, tmp_path, text) == ["JSON", "Text", "Hex"]


def _views(page: Page, tmp_path: Path, content: str) -> list[str]:
    from capture_conversation import capture_of, text, upgraded

    talk = upgraded()
    talk.say(True, text(True, content))
    page.open(write(tmp_path / "json.html", capture_of(talk.segments)), "#0/0")
    shows(page, "Message 0 of connection 0")
    found: list[str] = page.run(
        "[...document.querySelectorAll('.content-tools [role=tab]')]"
        ".filter(e => !e.hidden).map(e => e.innerText)"
    )
    return found


def test_hex_view_has_all_bytes(page: Page, report: Path) -> None:
    page.open(report, "#0/16")
    shows(page, "binary")
    lines = page.text("#content pre").split("\n")
    assert lines[0].startswith("00000000  81 82 83 84 85 86 87 88  89")
    digits = "".join(line[10:59] for line in lines)
    assert bytes.fromhex(digits) == BINARY_CONTENT
    page.open(report, "#0/17")
    shows(page, '"user"')
    page.press("v", "v")
    shows(page, "7b 22 75 73 65 72 22")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"text": "zürich"}, "21 of 45 rows"),
        ({"text": "message 1"}, "7 of 45 rows"),
        ({"text": "^x+$", "mode": "regex"}, "1 of 45 rows"),
        ({"text": "81 82 83", "mode": "hex"}, "1 of 45 rows"),
        ({"side": "client"}, "13 of 45 rows"),
        ({"type": "control"}, "4 of 45 rows"),
        ({"type": "gap"}, "1 of 45 rows"),
        ({"status": "fault"}, "2 of 45 rows"),
        ({"status": "incomplete"}, "1 of 45 rows"),
        ({"text": "are you there", "side": "server"}, "1 of 45 rows"),
    ],
)
def test_filter_chooses_rows(
    page: Page, report: Path, values: dict[str, str], expected: str
) -> None:
    page.open(report, "#0")
    counted(page, "45 rows")
    choose(page, **values)
    counted(page, expected)
    page.click(".filter button[type=reset]")
    counted(page, "45 rows")


def test_bad_filter_is_explained(page: Page, report: Path) -> None:
    page.open(report, "#0")
    choose(page, text="(", mode="regex")
    page.wait("!document.querySelector('.filter [role=alert]').hidden")
    assert "Not a regular expression" in page.text(".filter [role=alert]")
    choose(page, text="8", mode="hex")
    page.wait("document.querySelector('.filter [role=alert]').innerText.includes('hexadecimal')")


def test_address_of_a_hidden_row_clears_the_filter(page: Page, report: Path) -> None:
    page.open(report, "#0")
    choose(page, text="zürich")
    counted(page, "21 of 45 rows")
    page.run("location.hash = '#0/3'")
    shows(page, "Message 3 of connection 0")
    counted(page, "45 rows")


def test_hostile_capture_is_text(page: Page, report: Path) -> None:
    page.open(report, "#1/0")
    shows(page, ATTACK)
    page.open(report, "#1/1")
    shows(page, "abc\u27e8U+202E\u27e9dcba")
    assert TURNED not in page.text("body")
    page.open(report, "#1")
    page.wait("document.getElementById('facts-pane').innerText.includes('evil.example</script>')")
    page.open(report, "#all")
    page.open(report)
    assert page.run("window.hacked") is None
    assert page.run("document.querySelectorAll('main img, main script, main style').length") <= 10
    assert page.run(
        "[...document.querySelectorAll('body script')]"
        ".every(e => e.type === 'application/octet-stream')"
    )
    assert page.run("document.querySelectorAll('img').length") == 0


def test_broken_rule_is_in_its_place(page: Page, report: Path) -> None:
    page.open(report, "#1/event-s0")
    shows(page, "reserved opcode 0x3")


def test_colours_follow_the_system_and_the_switch(page: Page, report: Path) -> None:
    colour = "getComputedStyle(document.documentElement).backgroundColor"
    page.open(report)
    light = page.run(colour)
    page.emulate(dark=True)
    page.wait(f"{colour} !== {json.dumps(light)}")
    dark = page.run(colour)
    page.press("t")
    assert page.text("#theme") == "Colours: light"
    assert page.run(colour) == light
    page.press("t")
    assert page.run(colour) == dark
    page.press("t")
    assert page.text("#theme") == "Colours: system"


def test_help_opens_and_closes_by_keys(page: Page, report: Path) -> None:
    page.open(report)
    page.press("?")
    assert page.run("document.getElementById('help').open")
    assert "next gap or fault" in page.text("#help")
    page.press("Escape")
    page.wait("!document.getElementById('help').open")


def test_list_is_used_by_keys(page: Page, report: Path) -> None:
    page.open(report, "#0/0")
    page.run("document.querySelector('#messages .list').focus()")
    for key, number in [("ArrowDown", 1), ("j", 2), ("k", 1), ("End", 39), ("Home", 0)]:
        page.press(key)
        if number < 39:
            shows(page, f"Message {number} of connection 0")
        selected = page.run(
            "document.querySelector('#messages .list').getAttribute('aria-activedescendant')"
        )
        assert (
            page.run(f"document.getElementById({selected!r}).getAttribute('aria-selected')")
            == "true"
        )
    page.press("/")
    page.wait("document.activeElement.name === 'text'")
    page.type("zürich")
    counted(page, "21 of 45 rows")
    page.press("Escape")
    assert page.run("document.activeElement.getAttribute('role')") == "grid"
    page.press("o")
    page.wait("!document.getElementById('overview').hidden")
    page.press("a")
    page.wait("!document.getElementById('messages').hidden")
    page.press("]")
    page.wait("location.hash === '#0'")


def test_everything_that_can_be_used_has_a_name_and_a_role(page: Page, report: Path) -> None:
    for place in ("", "#0/17", "#all"):
        page.open(report, place)
        page.command("Accessibility.enable")
        nodes = page.command("Accessibility.getFullAXTree")["nodes"]
        used = {"button", "link", "combobox", "searchbox", "checkbox", "tab", "grid", "image"}
        nameless = [
            one["role"]["value"]
            for one in nodes
            if one.get("role", {}).get("value") in used
            and not one.get("ignored")
            and not one.get("name", {}).get("value")
        ]
        assert nameless == []
        assert page.run("document.querySelectorAll('main').length") == 1


def test_list_of_many_rows_scrolls(page: Page, long_report: Path) -> None:
    page.open(long_report, "#0")
    counted(page, f"{MANY:,} rows")
    for part in (0.1, 0.5, 0.9, 1):
        page.run(f"{LIST}.scrollTop = {part} * ({LIST}.scrollHeight - {LIST}.clientHeight)")
        page.wait(
            f"(() => {{ const rows = {NUMBERS}; return Math.abs(rows[0] - {int(part * MANY)}) < 60"
            " && rows.every((number, place) => number === rows[0] + place); })()"
        )
        page.wait(f"![...{LIST}.querySelectorAll('.preview')].some(e => e.innerText === '…')")
        assert len(rows(page)) < 60
    assert f"m{MANY - 1}" in rows(page)[-1]
    page.open(long_report, f"#0/{MANY // 2}")
    shows(page, f"m{MANY // 2}")
    page.wait(f"{NUMBERS}.includes({MANY // 2})")
    page.press("j")
    shows(page, f"m{MANY // 2 + 1}")


def test_frames_are_drawn_while_many_rows_scroll(page: Page, long_report: Path) -> None:
    page.open(long_report, "#0")
    steps = page.run(
        f"(async () => {{ const list = {LIST}; let drawn = 0;"
        " for (let step = 1; step <= 60; step += 1) { list.scrollTop = step * 5000;"
        " await new Promise(requestAnimationFrame);"
        " drawn += list.querySelectorAll('[role=row]').length > 10; }"
        " return drawn; })()"
    )
    assert steps == 60


def test_search_goes_through_many_rows(page: Page, long_report: Path) -> None:
    page.open(long_report, "#0")
    choose(page, text="m31999")
    counted(page, f"11 of {MANY:,} rows")


def test_print_has_the_lists_as_tables(page: Page, report: Path) -> None:
    page.open(report, "#0")
    page.wait("document.querySelectorAll('#print tbody tr').length === 45")
    page.emulate(media="print")
    assert page.run("getComputedStyle(document.getElementById('print')).display") == "block"
    assert page.run("getComputedStyle(document.querySelector('.list-pane')).display") == "none"
    assert "Zürich 20" in page.text("#print")
    assert page.pdf().startswith(b"%PDF")
    page.emulate()
    page.open(report)
    page.wait("document.querySelectorAll('#print tbody tr').length === 2")
    assert page.pdf().startswith(b"%PDF")


def test_narrow_page_has_no_sideways_scrolling(page: Page, report: Path) -> None:
    page.resize(NARROW)
    for place in ("", "#0", "#0/17", "#all", "#1"):
        page.open(report, place)
        assert page.run("document.documentElement.scrollWidth") <= NARROW[0], place
    page.open(report, "#0")
    counted(page, "45 rows")
    page.click("#messages .list [role=row]")
    shows(page, "Message 0 of connection 0")
    assert page.run("document.getElementById('message-pane').offsetParent !== null")
    page.click("#tab-list")
    page.wait("document.querySelector('#messages .list').offsetParent !== null")


def test_report_without_contents_says_so(page: Page, tmp_path: Path) -> None:
    page.open(write(tmp_path / "short.html", talks(), content=False))
    assert "left out" in page.text(".notes")
    page.open(tmp_path / "short.html", "#0/17")
    shows(page, "Message 17 of connection 0")


def test_report_of_nothing_opens(page: Page, tmp_path: Path) -> None:
    from capture_conversation import Conversation, capture_of

    page.open(write(tmp_path / "empty.html", capture_of(Conversation().open().segments)))
    assert page.text(".card dd") == "0"
    page.open(tmp_path / "empty.html", "#all")
    counted(page, "0 rows")


def test_cut_report_says_so(page: Page, report: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.html"
    cut.write_bytes(report.read_bytes()[:-400])
    page.open(cut)
    assert "cut short" in page.text("#status")
