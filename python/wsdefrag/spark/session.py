"""Sessions of Spark that have the data source."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from pyspark.sql import SparkSession

from wsdefrag.spark.source import WebSocketCaptures

OLDEST_JAVA = 17
"""The oldest Java that Spark 4 runs on."""

_PUSHDOWN = "spark.sql.python.filterPushdown.enabled"


def register(spark: SparkSession) -> None:
    """Register the format ``wsdefrag`` in a session.

    It also switches on ``spark.sql.python.filterPushdown.enabled``, without which Spark refuses
    data sources that take conditions.

    Args:
        spark: The session.
    """
    spark.conf.set(_PUSHDOWN, "true")
    spark.dataSource.register(WebSocketCaptures)


def local_session(
    master: str = "local[*,4]", *, config: Mapping[str, str] | None = None
) -> SparkSession:
    """Start Spark on this machine, or return the session that there is, with the format registered.

    Workers run this interpreter, unless the environment's ``PYSPARK_PYTHON`` names another.

    Args:
        master: Where Spark runs. ``local[*,4]`` is one process with a task for each core, which
            tries a task up to four times; ``local[*]`` tries it once.
        config: Settings of Spark.

    Returns:
        The session; ``stop()`` ends it.

    Raises:
        RuntimeError: If there is no Java, or it is too old.
    """
    java = find_java()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("JAVA_HOME", str(Path(java).resolve().parents[1]))
    builder = SparkSession.builder.master(master).config(_PUSHDOWN, "true")
    for name, value in (config or {}).items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    register(spark)
    return spark


def find_java() -> str:
    """Return the path of the Java that Spark would start.

    Raises:
        RuntimeError: If there is none, or it is older than 17.
    """
    home = os.environ.get("JAVA_HOME")
    how = f"install Java {OLDEST_JAVA} (openjdk-{OLDEST_JAVA}-jre-headless), or set JAVA_HOME to it"
    java = str(Path(home, "bin", "java")) if home else shutil.which("java")
    if java is None or not os.access(java, os.X_OK):
        where = (
            f"JAVA_HOME is {home}, which has no bin/java" if home else "there is no java in PATH"
        )
        raise RuntimeError(f"Spark needs Java {OLDEST_JAVA} or later, and {where}: {how}")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found.group(1)) < OLDEST_JAVA:
        first = said.splitlines()[0] if said else "nothing"
        raise RuntimeError(
            f"Spark needs Java {OLDEST_JAVA} or later, and {java} says {first}: {how}"
        )
    return java
