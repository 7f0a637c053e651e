"""What all tests share: hypothesis profiles, a working SIGINT, a check for leaks, tables.

By day (`repeatable`) the examples are the same in every run. By night (`random`, `make
test-random`) there are ten times as many, others each time; those that fail are kept in
`.hypothesis/examples` and tried first in the next run. No example has a deadline, so a slow or busy
machine changes nothing about what passes.

A shell starts background jobs with SIGINT ignored, and the processes that they start inherit that.
So the handler of SIGINT is set here.
"""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.internal.conjecture import providers
from hypothesis.internal.entropy import deterministic_PRNG

from leaks import Watch

# Building a stream costs more than the checks under it; that is no sign of a bad strategy.
SLOW_IS_FINE = [HealthCheck.too_slow]

settings.register_profile(
    "repeatable",
    max_examples=60,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=SLOW_IS_FINE,
)
settings.register_profile(
    "random",
    max_examples=1000,
    deadline=None,
    database=DirectoryBasedExampleDatabase(
        Path(__file__).resolve().parents[1] / ".hypothesis" / "examples"
    ),
    print_blob=True,
    suppress_health_check=SLOW_IS_FINE,
)
settings.load_profile("repeatable")

# Hypothesis takes constants out of the modules of the package that happen to be imported. With
# them the examples would be others when a test runs alone, beside others, or on changed code.
providers._get_local_constants = lambda: providers._local_constants

# When Hypothesis first uses random numbers it looks for what holds their generator, and warns if
# nothing does. With CPython 3.14 it does not find what was frozen below, so it looks before that.
with deterministic_PRNG():
    pass

signal.signal(signal.SIGINT, signal.default_int_handler)

FAILED = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Have CPython 3.10 pass over a warning of its own."""
    if sys.version_info < (3, 11):
        # It says so of each TLS transport that the peer has closed.
        unclosed = "Exception ignored in. <function _SSLProtocolTransport.__del__"
        config.addinivalue_line(
            "filterwarnings", f"ignore:{unclosed}:pytest.PytestUnraisableExceptionWarning"
        )


@pytest.fixture(scope="module", autouse=True)
def _what_stays_is_frozen() -> None:
    """Leave what was imported and kept before a file's tests out of garbage collection.

    The check for leaks collects garbage after every test that opened something.
    """
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Let the interpreter clear up when it ends; some extension modules say what it leaves."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def _watch() -> Watch:
    return Watch()


@pytest.fixture(autouse=True)
def _nothing_is_left_open(_watch: Watch, request: pytest.FixtureRequest) -> Iterator[None]:
    """Set up first and torn down last: see `leaks`."""
    _watch.begin()
    yield
    if request.node.stash.get(FAILED, False):
        _watch.forget()
    elif left := _watch.end():
        pytest.fail("left behind:\n" + "\n".join(left), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether a test failed, for the fixture above."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables that tests give line by line with `record_property("table TITLE", line)`."""
    tables: dict[str, list[str]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) != "call":
                continue
            for name, line in report.user_properties:
                if name.startswith("table "):
                    tables.setdefault(name[6:], []).append(line)
    for title, lines in tables.items():
        terminalreporter.section(title)
        for line in sorted(lines):
            terminalreporter.write_line(line)
