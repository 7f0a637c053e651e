"""The proxies that the tests share: one with the addon and one without it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from addon_wires import close_all
from mitmdump import ENVIRONMENT, PYTHON, Mitmdump, Start
from wsdefrag.compat.mitmproxy import SCRIPT

RELEASE = pytest.StashKey[str]()


@pytest.fixture(scope="session", autouse=True)
def _environment() -> None:
    if not PYTHON.exists():
        pytest.fail(f"{ENVIRONMENT.name} is missing: run `make mitmproxy-env`", pytrace=False)


@pytest.fixture(autouse=True)
def _connections() -> Iterator[None]:
    yield
    close_all()


@pytest.fixture(scope="session")
def with_addon(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Mitmdump]:
    with Mitmdump(tmp_path_factory.mktemp("with"), [SCRIPT]) as proxy:
        proxy.logged("relays WebSocket connections")
        request.config.stash[RELEASE] = f"mitmproxy {proxy.release} on Python {proxy.python}"
        yield proxy


@pytest.fixture(scope="session")
def without(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mitmdump]:
    with Mitmdump(tmp_path_factory.mktemp("without")) as proxy:
        yield proxy


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a proxy with the addon and options; it ends with the test."""
    started: list[Mitmdump] = []

    def proxy(*options: str, scripts: tuple[Path, ...] = (SCRIPT,)) -> Mitmdump:
        directory = tmp_path / str(len(started))
        directory.mkdir()
        started.append(Mitmdump(directory, scripts, options))
        return started[-1].__enter__()

    yield proxy
    for one in started:
        one.end()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if RELEASE in config.stash:
        terminalreporter.write_line(f"the mitmproxy addon was tested in {config.stash[RELEASE]}")
