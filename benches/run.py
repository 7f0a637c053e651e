"""Runs the benchmarks and writes the report: the one way in.

    python benches/run.py                       all parts, about twenty minutes; writes RESULTS.md,
                                                RESULTS.json and the charts here
    python benches/run.py captures outputs      these parts; the numbers of the others are those of
                                                the last run that measured them
    python benches/run.py --quick               two minutes; shows that everything works, proves
                                                nothing
    python benches/run.py --compare             prints at the end how the numbers differ from those
                                                that RESULTS.json held before

The report is written after each part, so a run that is interrupted keeps what it has. Raw numbers
go to `benches/.results/`; a quick run leaves its report there too.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from report import engine_results, record, writer
from report.record import Record

HERE = Path(__file__).parent
RAW = HERE / ".results"

FULL = ("--benchmark-max-time=2", "--benchmark-min-rounds=5", "--benchmark-warmup-iterations=2")
QUICK = (
    "--quick",
    "--benchmark-max-time=0.02",
    "--benchmark-min-rounds=2",
    "--benchmark-warmup-iterations=1",
)


def raw(name: str, quick: bool) -> Path:
    """Where a benchmark writes its numbers."""
    return RAW / f"{name}{'-quick' if quick else ''}.json"


def run_engine(quick: bool) -> Record:
    """Times every reader on every workload with pytest-benchmark, and measures at scale."""
    messages, scaling = raw("messages", quick), raw("scaling", quick)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--config-file=engine/pytest.ini",
        "engine/bench_messages.py",
        f"--benchmark-json={messages}",
        *(QUICK if quick else FULL),
    ]
    subprocess.run(command, check=True, cwd=HERE)
    subprocess.run([sys.executable, "-m", "engine.scaling", str(scaling)], check=True, cwd=HERE)
    return {
        "engine": engine_results.summary(messages),
        "scaling": json.loads(scaling.read_text()),
    }


def measured(part: str) -> Callable[[bool], Record]:
    """Runs the module `measure` of a part, and reads what it wrote."""

    def run(quick: bool) -> Record:
        output = raw(part, quick)
        options = ["--quick"] if quick else []
        command = [sys.executable, "-m", f"{part}.measure", *options, str(output)]
        subprocess.run(command, check=True, cwd=HERE)
        return {part: json.loads(output.read_text())}

    return run


PARTS: dict[str, Callable[[bool], Record]] = {
    "engine": run_engine,
    "captures": measured("captures"),
    "outputs": measured("outputs"),
    "proxies": measured("proxies"),
}


def main() -> None:
    """Runs parts, and writes the report after each."""
    parser = argparse.ArgumentParser(description="Run the benchmarks and write the report.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all")
    parser.add_argument("--quick", action="store_true", help="a smoke run of two minutes")
    parser.add_argument("--compare", action="store_true", help="with the numbers in RESULTS.json")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(unknown))}")
    quick = arguments.quick
    RAW.mkdir(exist_ok=True)
    target = RAW if quick else HERE
    before = record.load(target / record.NAME)
    now = dict(before)
    for part in arguments.parts or PARTS:
        start = time.monotonic()
        now |= PARTS[part](quick)
        record.save(now, target / record.NAME)
        writer.write(now, target)
        print(f"{part}: {(time.monotonic() - start) / 60:.1f} minutes", flush=True)
    for name in writer.NAMES:
        print(f"wrote {target / name}")
    if arguments.compare:
        print(record.compare(before, now))


if __name__ == "__main__":
    main()
