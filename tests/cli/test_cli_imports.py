"""Which modules a subcommand imports: none that it does not need."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from cli_command import environment
from hang_guard import HANG_SECONDS
from recorded_captures import DIRECTORY
from wsdefrag.cli import group

# Prints the modules that were imported when the command ended.
_SCRIPT = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
from wsdefrag.cli import main
main()
"""

_COMMANDS = {
    name.replace("-", "_") for name in group.wsdefrag.list_commands(click.Context(group.wsdefrag))
}

# Libraries that take long to import, and what a subcommand may need of them.
_SLOW = {
    *("asyncio", "hashlib", "json", "matplotlib", "numpy", "pyarrow", "secrets", "shutil"),
    "tempfile",
}
if sys.version_info >= (3, 11):
    # click imports uuid, which imports it until CPython 3.10.
    _SLOW.add("subprocess")

# Formatting of output files.
_FORMATS = {"har", "mitm", "mitm_flow", "plot", "tables", "tnetstring"}

_CAPTURE = str(DIRECTORY / "plain-small.pcapng")


def imported(*arguments: str) -> set[str]:
    """The modules that a run of the command imports."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, *arguments],
        env=environment(),
        capture_output=True,
        timeout=HANG_SECONDS,
        check=True,
    )
    return set(done.stderr.decode().split())


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("arguments", "commands", "formats", "slow"),
    [
        (("--version",), set(), set(), set()),
        (("--help",), set(), set(), {"shutil"}),  # click asks for the width of the terminal
        (("messages", _CAPTURE), {"messages"}, set(), {"json"}),
        (("messages", _CAPTURE, "--format", "jsonl"), {"messages"}, set(), {"json"}),
        (("connections", _CAPTURE), {"connections"}, set(), {"json"}),
        (
            ("convert", _CAPTURE, "-o", "-", "--format", "jsonl"),
            {"convert"},
            _FORMATS - {"plot"},
            {"hashlib", "json"},
        ),
        (("follow", _CAPTURE, "0"), {"follow"}, set(), {"json"}),
        (("extract", _CAPTURE, "0/c0", "-o", "-"), {"extract"}, set(), {"json"}),
        (("stats", _CAPTURE), {"stats"}, set(), {"json"}),
        (("mitmproxy-addon",), {"mitmproxy_addon"}, set(), set()),
        (("ingest", "--help"), {"ingest"}, set(), {"json", "shutil"}),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_subcommand_imports_what_it_needs(
    arguments: tuple[str, ...], commands: set[str], formats: set[str], slow: set[str]
) -> None:
    found = imported(*arguments)
    assert {f"wsdefrag.cli.{name}" for name in _COMMANDS} & found <= {
        f"wsdefrag.cli.{name}" for name in commands
    }
    assert {f"wsdefrag.formats.{name}" for name in _FORMATS} & found <= {
        f"wsdefrag.formats.{name}" for name in formats
    }
    assert found & _SLOW <= slow


def test_start_of_the_command_reads_no_capture_module() -> None:
    """`wsdefrag --version` needs click and the package, and nothing that reads captures."""
    found = imported("--version")
    assert not [name for name in found if name.startswith(("wsdefrag.capture", "wsdefrag.formats"))]
    assert not found & {f"wsdefrag.{name}" for name in ("connection", "encoder", "events", "relay")}


def test_help_of_the_group_says_of_each_subcommand_what_its_own_help_says_first() -> None:
    context = click.Context(group.wsdefrag)
    formatter = click.HelpFormatter(width=1000)
    group.wsdefrag.format_commands(context, formatter)
    lines = formatter.getvalue().splitlines()[1:]
    expected = {}
    for name in group.wsdefrag.list_commands(context):
        command = group.wsdefrag.get_command(context, name)
        assert command is not None
        expected[name] = command.get_short_help_str(1000)
    assert dict(line.split(maxsplit=1) for line in lines) == expected
