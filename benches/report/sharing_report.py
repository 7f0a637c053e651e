"""The part of `RESULTS.md` about several threads that read one capture."""

from captures.sharing_model import CORES, STAGES, Shared
from report.tables import table

TEXT = """\
### Threads in one capture

One thread, and as many as there are cores, in turns; in milliseconds. Processor time of each stage
while all cores work, with three threads at least, as two share the stages. The share of one
thread's time that more cores need is a model
(`captures/sharing_model.py`), fitted to what this machine's cores needed; the stage that limits 16
cores is named."""


def render(runs: list[Shared]) -> str:
    """The heading and the table; empty if nothing was measured."""
    if not runs:
        return ""
    head = ["capture, output", "1 thread", f"{runs[0].cores} threads", *STAGES]
    head += ["measured", *(f"{cores} cores" for cores in CORES), "limited by"]
    rows = (
        [
            f"{run.file} to {run.way}",
            *(f"{seconds * 1e3:,.0f}" for seconds in (run.one, run.all)),
            *(f"{run.stages[it] * 1e3:,.0f}" if it in run.stages else "" for it in STAGES),
            f"{run.all / run.one:.2f}",
            *(f"{run.share(cores):.2f}" for cores in CORES),
            run.limit(CORES[-1]),
        ]
        for run in runs
    )
    return f"{TEXT}\n\n{table(head, rows)}\n"
