"""The part of `RESULTS.md` about captures."""

from captures.ways import ARROW, NO_CONTENT, OBJECTS
from engine.corpus import MIB
from report.capture_results import COMPARED, READERS, CaptureRun
from report.sharing_report import render as sharing
from report.tables import scaling_table, table


def render(run: CaptureRun) -> str:
    """Headings, tables and the text about them."""
    return f"""\
## Captures

{machine_list(run)}

### Messages a second

{rate_table(run)}
{remarks(run)}
### Captures through the whole chain

{throughput_table(run)}

### Memory and threads for captures

{scaling_table(run.scaling)}

{sharing(run.sharing)}"""


def machine_list(run: CaptureRun) -> str:
    """The date and the versions; the machine is that of the first part."""
    lines = {"Date": run.date, **run.machine}
    return "\n".join(f"- {label}: {value}" for label, value in lines.items())


def rate_table(run: CaptureRun) -> str:
    """Messages a second of everything that reads messages."""
    readers = [way for way in READERS if any((name, way) in run.seconds for name in COMPARED)]

    def cell(name: str, way: str) -> str:
        rate = run.rate(name, way)
        return "" if rate is None else f"{rate:,.0f}"

    rows = ([way, *(cell(name, way) for name in COMPARED)] for way in readers)
    return table(["messages a second", *COMPARED], rows)


def remarks(run: CaptureRun) -> str:
    """What tshark left out, and what did not run."""
    lines = [
        f"Of the {run.files[name].whole:,} whole messages of *{name}*, tshark gave {number:,}."
        for name, number in run.found.items()
    ]
    lines += [f"On *{name}*, {way} failed: {why}" for (name, way), why in run.failures.items()]
    return "".join(f"\n{line}\n" for line in lines)


def throughput_table(run: CaptureRun) -> str:
    """Bytes of pcap a second, for every file."""
    ways = (ARROW, OBJECTS, NO_CONTENT)
    rows = (
        [
            file.name,
            f"{file.size / MIB:,.0f} MiB",
            f"{file.whole:,}",
            *(f"{run.throughput(file.name, way):.3g}" for way in ways),
        ]
        for file in run.files.values()
    )
    return table(["GB/s of pcap", "size", "whole messages", *ways], rows)
