"""Sessions of Spark for tests: small, one at a time, and gone when the tests are over."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyspark import SparkContext

from spark_faults import FaultyCaptures
from wsdefrag.spark import local_session

SUPPORT = Path(__file__).parent

CONFIG = {
    "spark.driver.memory": "512m",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "3",
    "spark.sql.session.timeZone": "UTC",
}


@contextmanager
def session(master: str, **config: str) -> Iterator[Any]:
    """A session of Spark, which is stopped at the end; the JVM stays for the next one."""
    # Workers find what the tests define.
    os.environ["PYTHONPATH"] = str(SUPPORT)
    spark = local_session(master, config={**CONFIG, **config})
    spark.sparkContext.setLogLevel("OFF")
    spark.dataSource.register(FaultyCaptures)
    try:
        yield spark
    finally:
        spark.stop()


def end_jvm() -> None:
    """End the JVM that the sessions ran in."""
    gateway = SparkContext._gateway
    if gateway is None:
        return
    process: subprocess.Popen[bytes] = gateway.proc
    gateway.shutdown()
    if process.stdin is not None:
        process.stdin.close()  # it ends when its input does
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    SparkContext._gateway = None
    SparkContext._jvm = None
