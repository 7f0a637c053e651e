"""The `--quick` switch of the benchmarks, and the machine's description in their results."""

from typing import Any

import pytest

from report import machine


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds `--quick`."""
    parser.addoption("--quick", action="store_true", help="short streams, for a smoke run")


@pytest.fixture
def corpus_scale(request: pytest.FixtureRequest) -> float:
    """The length of the streams as a part of the full one."""
    return 1 / 32 if request.config.getoption("--quick") else 1.0


def pytest_benchmark_update_machine_info(
    config: pytest.Config, machine_info: dict[str, Any]
) -> None:
    """Puts the description next to what pytest-benchmark finds out itself."""
    machine_info["wsdefrag"] = machine.describe()
