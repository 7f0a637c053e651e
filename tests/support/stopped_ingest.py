"""The command `wsdefrag ingest`, which gets SIGTERM when its second file has ended.

`stopped_ingest.py ARGUMENT...` takes the command's arguments.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from wsdefrag.cli import main
from wsdefrag.ingest.group import Group

ended = Group.ended


def stopped(group: Group, counted: dict[str, Any]) -> bool:
    """Note the file, as before."""
    if len(group.read) == 1:
        os.kill(os.getpid(), signal.SIGTERM)
    return ended(group, counted)


if __name__ == "__main__":
    Group.ended = stopped  # type: ignore[method-assign,assignment]
    sys.argv[1:] = ["ingest", *sys.argv[1:]]
    main()
