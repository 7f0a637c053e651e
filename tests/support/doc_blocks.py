"""The code blocks of the documentation's pages, and how they are run.

The blocks of a page run in their order, in one namespace and one directory, as a reader would type
them. What stands in a block ``output`` after one of them is what it printed; ``...`` stands for
anything, as in doctests.

- ``python``: is executed. Warnings are errors.
- ``sh``: each line is a command, which has to succeed.
- ``console``: the same, after ``$ ``; the lines after it are what it printed, standard error too.
  A command may have the exit status 1 if what it printed says why.
- ``sql``: is a query of DuckDB.

A command line of `wsdefrag` and pipes is run in this process, others by bash. Programs that need a
network, a server or another machine are replaced by those of ``doc_programs``.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner

import doc_programs
from hang_guard import HANG_SECONDS
from wsdefrag.cli.group import wsdefrag

_FENCE = re.compile(r"^( *)```(\w[\w-]*)?\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
# What a line has that is more than words, pipes and one output file.
_SHELL = re.compile(r"[;&$`*?\[\]{}()#~!<]|\n\s*(do|done|then|fi)\b|\b(for|if|while)\b")
_ENVIRONMENT = {"TZ": "UTC", "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}
_UNSET = ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "PYTHONIOENCODING", "TERM", "SSLKEYLOGFILE")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        language: The word after the fence.
        code: What is in it.
        start: Where its content begins in the page, in characters.
        line: The line of the page on which its content begins, from 1.
        output: The block with what it printed, if there is one.
    """

    language: str
    code: str
    start: int
    line: int
    output: Block | None = None


class Wrong(AssertionError):
    """A block failed, or printed something else than the page says."""


def blocks(text: str) -> list[Block]:
    """The blocks of a page that can be run, with their outputs."""
    found: list[Block] = []
    end = 0
    for fence in _FENCE.finditer(text):
        block = Block(
            fence[2] or "", fence[3], fence.start(3), text.count("\n", 0, fence.start(3)) + 1
        )
        follows = not text[end : fence.start()].strip()
        end = fence.end()
        if block.language == "output":
            if not found or not follows or found[-1].output is not None:
                raise Wrong(f"line {block.line}: an output without a block before it")
            last = found[-1]
            found[-1] = Block(last.language, last.code, last.start, last.line, block)
        else:
            found.append(block)
    return [block for block in found if block.language in ("python", "sh", "console", "sql")]


def commands(code: str) -> Iterator[str]:
    """The commands of a block of ``sh``: its lines, joined where they are continued."""
    lines = code.splitlines()
    while lines:
        command = lines.pop(0)
        while lines and (command.endswith("\\") or _open(command)):
            command += "\n" + lines.pop(0)
        if command.strip() and not command.lstrip().startswith("#"):
            yield command


def _open(command: str) -> bool:
    """Whether a quote or a loop goes on in the next line."""
    try:
        words = shlex.split(command, comments=True)
    except ValueError:
        return True
    return ("for" in words[:1] and "done" not in words) or command.rstrip().endswith("|")


def prompts(code: str) -> list[tuple[str, str]]:
    """The commands of a block of ``console``, each with what the page says that it prints."""
    parts = re.split(r"^\$ ", code, flags=re.MULTILINE)
    assert not parts[0].strip(), "a console begins with a prompt"
    found = []
    for part in parts[1:]:
        lines = part.splitlines(keepends=True)
        count = 1
        while lines[count - 1].rstrip().endswith("\\") or _open("".join(lines[:count]).rstrip()):
            count += 1
        found.append(("".join(lines[:count]).rstrip(), "".join(lines[count:])))
    return found


class Session:
    """Runs the blocks of one page in the current directory."""

    def __init__(self) -> None:
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._connection: Any = None

    def close(self) -> None:
        """Forget the names and end the connection to DuckDB."""
        self._names.clear()
        if self._connection is not None:
            self._connection.close()

    def python(self, block: Block, page: str) -> str:
        """Execute Python and return what it printed."""
        code = compile("\n" * (block.line - 1) + block.code, page, "exec")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.simplefilter("error")
            exec(code, self._names)
        return printed.getvalue()

    def sql(self, block: Block) -> str:
        """Execute a query and return its result as DuckDB shows it."""
        import duckdb

        if self._connection is None:
            self._connection = duckdb.connect()
            self._connection.execute("SET TimeZone = 'UTC'")
        result = self._connection.sql(block.code)
        return "" if result is None else str(result).rstrip("\n") + "\n"

    def shell(self, command: str) -> tuple[int, str]:
        """Run a command and return its exit status and what it printed."""
        if "wsdefrag" in command and not _SHELL.search(_unquoted(command)):
            return _pipeline(command)
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=_environment(),
            timeout=HANG_SECONDS,
            check=False,
        )
        return done.returncode, done.stdout.decode()


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _UNSET}
    path = os.pathsep.join([str(doc_programs.folder()), kept["PATH"]])
    return kept | _ENVIRONMENT | {"PATH": path}


def _unquoted(command: str) -> str:
    """A command without what is in quotes, and without its comment."""
    plain = re.sub(r"'[^']*'|\"[^\"]*\"", "", command.replace("\\\n", " "))
    return re.sub(r"\s#.*", "", plain)


def _pipeline(command: str) -> tuple[int, str]:
    """Run commands that are joined by pipes; what `wsdefrag` does is done in this process."""
    lexer = shlex.shlex(command.replace("\\\n", " "), posix=True, punctuation_chars="|>")
    lexer.whitespace_split = True
    stages: list[list[str]] = [[]]
    for word in lexer:
        if word == "|":
            stages.append([])
        else:
            stages[-1].append(word)
    data, notes, status = b"", "", 0
    for stage in stages:
        into, said, code = None, "", 0
        if ">" in stage:
            *stage, _, into = stage
        if stage[0] == "wsdefrag" and stage[1] in doc_programs.SERVERS and "--help" not in stage:
            _parse(stage[1], stage[2:])
        elif stage[0] == "wsdefrag":
            result = CliRunner(env=dict.fromkeys(_UNSET) | _ENVIRONMENT).invoke(
                wsdefrag, stage[1:], input=data, prog_name="wsdefrag"
            )
            if result.exception is not None and not isinstance(result.exception, SystemExit):
                raise result.exception
            data, said, code = result.stdout_bytes, result.stderr, result.exit_code
        else:
            done = subprocess.run(
                stage,
                input=data,
                capture_output=True,
                env=_environment(),
                timeout=HANG_SECONDS,
                check=False,
            )
            data, said, code = done.stdout, done.stderr.decode(), done.returncode
        notes += said
        status = status or code
        if into is not None:
            Path(into).write_bytes(data)
            data = b""
    return status, data.decode() + notes


def _parse(name: str, arguments: list[str]) -> None:
    """Check the arguments of a subcommand that would run until it is stopped."""
    context = click.Context(wsdefrag, info_name="wsdefrag")
    command = wsdefrag.get_command(context, name)
    assert command is not None
    command.make_context(name, arguments, parent=context)


def ran(page: Path, text: str) -> str:
    """Run the blocks of a page, and return the page with what they printed in its place.

    Raises:
        Wrong: If a block fails.
    """
    session = Session()
    changes: list[tuple[int, int, str]] = []
    try:
        for block in blocks(text):
            where = f"{page.name}, line {block.line}"
            try:
                printed = _run(session, block, page, changes)
            except Wrong:
                raise
            except BaseException as error:
                raise Wrong(f"{where}: {type(error).__name__}: {error}") from error
            if block.output is not None:
                changes.append(_changed(block.output, printed))
    except Wrong as error:
        raise Wrong(f"{page.name}: {error}") from error.__cause__
    finally:
        session.close()
    for start, end, new in reversed(changes):
        text = text[:start] + new + text[end:]
    return text


def _run(session: Session, block: Block, page: Path, changes: list[tuple[int, int, str]]) -> str:
    if block.language == "python":
        return session.python(block, str(page))
    if block.language == "sql":
        return session.sql(block)
    if block.language == "sh":
        printed = ""
        for command in commands(block.code):
            status, said = session.shell(command)
            if status != 0:
                raise Wrong(f"line {block.line}: {command}: status {status}: {said}")
            printed += said
        return printed
    new = ""
    for command, expected in prompts(block.code):
        status, said = session.shell(command)
        if status != 0 and not (status in (1, 2) and "wsdefrag: " in said):
            raise Wrong(f"line {block.line}: {command}: status {status}: {said}")
        new += f"$ {command}\n" + (expected if _same(expected, said) else _ended(said))
    changes.append((block.start, block.start + len(block.code), new))
    return new


def _changed(output: Block, printed: str) -> tuple[int, int, str]:
    new = output.code if _same(output.code, printed) else _ended(printed)
    return output.start, output.start + len(output.code), new


def _ended(printed: str) -> str:
    """What was printed, with the end of its last line, and no empty lines there."""
    return printed.rstrip("\n") + "\n" if printed else ""


def _same(expected: str, printed: str) -> bool:
    plain = "\n".join(line.rstrip() for line in printed.splitlines()).strip("\n")
    wanted = "\n".join(line.rstrip() for line in expected.splitlines()).strip("\n")
    return doctest.OutputChecker().check_output(wanted, plain, doctest.ELLIPSIS)
