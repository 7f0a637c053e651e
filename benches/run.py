"""Runs all benchmarks and writes the report: the one way in.

    python benches/run.py            about ten minutes; writes RESULTS.md, RESULTS.json and the
                                     charts here
    python benches/run.py --quick    a minute; shows that everything works, proves nothing
    python benches/run.py --only captures    measures one part; the numbers of the others are
                                             those of the last run, if there was one
    python benches/run.py --compare  prints at the end how the numbers differ from those that
                                     RESULTS.json held before

The raw numbers go to `benches/.results/`; a quick run leaves its report there too.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from report import record, writer

HERE = Path(__file__).parent
RAW = HERE / ".results"

PARTS = ("engine", "captures", "proxies")

FULL = ("--benchmark-max-time=2", "--benchmark-min-rounds=5", "--benchmark-warmup-iterations=2")
QUICK = (
    "--quick",
    "--benchmark-max-time=0.02",
    "--benchmark-min-rounds=2",
    "--benchmark-warmup-iterations=1",
)


def run_messages(quick: bool, output: Path) -> None:
    """Times every reader on every workload with pytest-benchmark."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--config-file=engine/pytest.ini",
        "engine/bench_messages.py",
        f"--benchmark-json={output}",
        *(QUICK if quick else FULL),
    ]
    subprocess.run(command, check=True, cwd=HERE)


def run_scaling(output: Path) -> None:
    """Measures time and memory at scale."""
    subprocess.run([sys.executable, "-m", "engine.scaling", str(output)], check=True, cwd=HERE)


def run_captures(quick: bool, output: Path) -> None:
    """Measures the reading of captures."""
    command = [
        sys.executable,
        "-m",
        "captures.measure",
        *(["--quick"] if quick else []),
        str(output),
    ]
    subprocess.run(command, check=True, cwd=HERE)


def run_proxies(quick: bool, output: Path) -> None:
    """Measures relays, the drop-in and sending."""
    command = [
        sys.executable,
        "-m",
        "proxies.measure",
        *(["--quick"] if quick else []),
        str(output),
    ]
    subprocess.run(command, check=True, cwd=HERE)


def main() -> None:
    """Runs all parts, then writes the report."""
    parser = argparse.ArgumentParser(description="Run the benchmarks and write the report.")
    parser.add_argument("--quick", action="store_true", help="a smoke run of a minute")
    parser.add_argument("--only", choices=PARTS, help="run this part alone")
    parser.add_argument("--compare", action="store_true", help="with the numbers in RESULTS.json")
    arguments = parser.parse_args()
    quick, only = arguments.quick, arguments.only
    kept = HERE / record.NAME
    before = record.load(kept) if arguments.compare and kept.exists() else None
    RAW.mkdir(exist_ok=True)
    suffix = "-quick" if quick else ""
    messages, scaling, captures, proxies = (
        RAW / f"{part}{suffix}.json" for part in ("messages", "scaling", "captures", "proxies")
    )
    if only in (None, "engine"):
        run_messages(quick, messages)
        run_scaling(scaling)
    if only in (None, "captures"):
        run_captures(quick, captures)
    if only in (None, "proxies"):
        run_proxies(quick, proxies)
    target = RAW if quick else HERE
    writer.write(messages, scaling, captures, proxies, target)
    for name in ("RESULTS.md", record.NAME, "chart.svg", "captures.svg"):
        print(f"wrote {target / name}")
    if before is not None:
        print(record.compare(before, record.load(target / record.NAME)))
    elif arguments.compare:
        print(f"there is no {kept} to compare with")


if __name__ == "__main__":
    main()
