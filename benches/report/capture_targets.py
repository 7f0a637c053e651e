"""The part of `RESULTS.md` with the targets for captures and for what is made of them."""

from collections.abc import Iterator

from engine.scaling import Measure
from report.capture_results import RATES, TARGETS, THROUGHPUTS, CaptureRun
from report.tables import table, verdict

HEADING = "## Targets for captures"


def render(captures: CaptureRun | None, outputs: list[Measure]) -> str:
    """The heading, how many targets were reached, and each of them."""
    rows = [*(of_captures(captures) if captures else ()), *of_measures(outputs)]
    reached = sum(row[-1] == verdict(True) for row in rows)
    judged = sum(bool(row[-1]) for row in rows)
    lines = [
        HEADING,
        "Where two ways are compared, a ratio above 1 means that the first one is faster.",
        f"{reached} of {judged} reached.",
        table(["what", "target", "measured", "reached"], rows),
    ]
    return "\n\n".join(lines)


def of_captures(run: CaptureRun) -> Iterator[list[str]]:
    """Ratios to other programs, bytes a second and messages a second."""
    for target in TARGETS:
        ratio = run.ratio(target)
        what = f"{target.file}: {target.way} beside {target.peer}"
        number = "not measured" if ratio is None else f"{ratio:.3g}x"
        word = "" if ratio is None else verdict(ratio >= target.ratio)
        yield [what, f"at least {target.ratio:g}x", number, word]
    for name, way, wanted in THROUGHPUTS:
        throughput = run.throughput(name, way)
        word = verdict(throughput >= wanted)
        yield [f"{name}: {way}", f"at least {wanted:g} GB/s", f"{throughput:.3g} GB/s", word]
    for name, way, wanted in RATES:
        rate = run.rate(name, way) or 0.0
        word = verdict(rate >= wanted)
        yield [
            f"{name}: {way}",
            f"at least {wanted:,.0f} messages/s",
            f"{rate:,.0f} messages/s",
            word,
        ]


def of_measures(measures: list[Measure]) -> Iterator[list[str]]:
    """Measures that have a limit."""
    for one in measures:
        if one.limit is not None:
            target = f"at most {one.limit:,g} {one.unit}"
            number = f"{one.value:,.4g} {one.unit}"
            yield [one.what, target, number, verdict(one.value <= one.limit)]
