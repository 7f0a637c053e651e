"""The command of a part of the benchmarks: measures in a directory of its own, writes one file."""

import argparse
import compileall
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import wsdefrag


def run_part(description: str, measure: Callable[[Path, bool], dict[str, object]]) -> None:
    """Reads the command line, measures, and writes the file that it names.

    Args:
        description: What the part measures, for the help.
        measure: Measures in a directory, quickly or not; returns what goes into the file.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="small files, for a smoke run")
    parser.add_argument("output", type=Path, help="where the numbers go, as JSON")
    arguments = parser.parse_args()
    # numpy, which pyarrow imports, would start threads that wait busily.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    compile_package()
    with tempfile.TemporaryDirectory(prefix="wsdefrag-bench-") as directory:
        results = measure(Path(directory), arguments.quick)
    arguments.output.write_text(json.dumps(results, indent=1))


def compile_package() -> None:
    """Compiles our modules, as pip does when it installs a wheel.

    Otherwise each start of the command would, where Python is told not to write compiled modules.
    """
    compileall.compile_dir(Path(wsdefrag.__file__).parent, quiet=1)
