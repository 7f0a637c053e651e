"""An ingest that is killed in the middle of a commit, at the worst moment.

`killed_ingest.py FOLDER LAKE COUNT` commits COUNT files, each by itself, and dies when the Parquet
files of the next one are in their places and its commit is not.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from wsdefrag.ingest import ingest
from wsdefrag.ingest.commits import Commits


def main(folder: str, lake: str, count: str) -> None:
    """Read the folder, and die."""
    commit = Commits.commit

    def killed(commits: Commits, *arguments: Any) -> None:
        if commits.number == int(count):
            os.kill(os.getpid(), signal.SIGKILL)
        commit(commits, *arguments)

    Commits.commit = killed  # type: ignore[method-assign,assignment]
    ingest(folder, lake, quiet=0, commit_bytes=1, log=lambda *_, **__: None)


if __name__ == "__main__":
    main(*sys.argv[1:])
