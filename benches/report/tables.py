"""Tables in Markdown, as the reports of the engine and of captures write them."""

from collections.abc import Iterable

from engine.scaling import Measure


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """A Markdown table; every column but the first is aligned to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])


def verdict(reached: bool) -> str:
    """The word in the last column."""
    return "reached" if reached else "**not reached**"


def scaling_table(measures: list[Measure]) -> str:
    """Measures, a line each."""
    rows = []
    for measure in measures:
        judged = measure.limit is not None
        rows.append(
            [
                measure.what,
                measure.detail,
                f"{measure.value:.2f} {measure.unit}",
                f"< {measure.limit:g} {measure.unit}" if judged else "",
                verdict(measure.value < measure.limit) if measure.limit is not None else "",
            ]
        )
    return table(["what", "numbers", "measured", "target", ""], rows)
