"""A streaming query that stops, dies and is started again has the rows of `Capture`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hang_guard import HANG_SECONDS

SUPPORT = Path(__file__).parents[1] / "support"


def test_query_that_is_started_again_goes_on(tmp_path: Path) -> None:
    program = SUPPORT / "spark_stream_program.py"
    done = subprocess.run(
        [sys.executable, program, tmp_path],
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
        env={**os.environ, "PYTHONPATH": str(SUPPORT)},
    )
    assert done.stdout.split() == ["equal", "502"], done.stderr[-4000:]
