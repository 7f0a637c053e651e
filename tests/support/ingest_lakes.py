"""Lakes that an ingest wrote: their rows, their commits, and the command that writes them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl

from wsdefrag.capture import Capture

TABLES = ("messages", "connections", "events")


def quietly(*_: object, **__: object) -> None:
    """Log nothing."""


def rows_of(frame: Any) -> list[str]:
    """The rows of a table in an order of their own, but for the names of files and partitions."""
    names = [name for name in frame.columns if name not in ("file", "date", "hour")]
    return sorted(json.dumps(row, default=repr) for row in frame.select(names).to_dicts())


def lake_rows(lake: Path) -> dict[str, list[str]]:
    """The rows of a lake by table."""
    found = {}
    for table in TABLES:
        files = sorted((lake / table).rglob("*.parquet"))
        frames = [pl.read_parquet(file, hive_partitioning=False) for file in files]
        found[table] = sorted(row for frame in frames for row in rows_of(frame))
    return found


def expected(files: list[Path], **options: Any) -> dict[str, list[str]]:
    """The rows of one pass over the files."""
    tables = Capture(files, **options).to_arrow()
    return {table: rows_of(pl.DataFrame(getattr(tables, table))) for table in TABLES}


def commits(lake: Path) -> list[dict[str, Any]]:
    """The commits of a lake with one capture point, in order."""
    paths = sorted((lake / "_ingest").glob("*/commit-*.json"))
    return [json.loads(path.read_bytes()) for path in paths]


def sources(lake: Path) -> list[dict[str, Any]]:
    """What the commits of a lake say of files, in order."""
    return [source for commit in commits(lake) for source in commit["sources"]]


def committed_files(lake: Path) -> set[str]:
    """The Parquet files that the commits of a lake name."""
    return {file["path"] for commit in commits(lake) for file in commit["files"]}


def parquet_files(lake: Path) -> set[str]:
    """The Parquet files that are in a lake."""
    return {
        path.relative_to(lake).as_posix()
        for table in TABLES
        for path in (lake / table).rglob("*.parquet")
    }


def run_child(folder: Path, lake: Path, *options: str, **arguments: Any) -> subprocess.Popen[str]:
    """Start the command."""
    command = [sys.executable, "-m", "wsdefrag", "ingest", str(folder), "--to", str(lake), *options]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **arguments)
