"""Files that are written as a whole or not at all.

What is written goes to a new file beside the one that is wanted, and takes its name when it is
done, so that nobody ever finds half a file, and an old one stays as it is if anything fails.
"""

from __future__ import annotations

import secrets
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from wsdefrag.cli.output.complaint import UnusableInput, printable_name

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable


def check_output(output: str, inputs: Iterable[str], *, force: bool) -> None:
    """Refuse to write over a file, before any work is done.

    Args:
        output: The path of what is to be written, or ``-``.
        inputs: What is read for it.
        force: Whether a file that is there may be replaced.

    Raises:
        click.UsageError: If it is there, or one of the inputs, or there is no such directory.
    """
    path = Path(output)
    name = printable_name(output)
    if output == "-":
        return
    if not path.exists():
        if not path.parent.is_dir():
            raise click.UsageError(f"{printable_name(str(path.parent))} is no directory.")
    elif path.is_file():
        if any(other != "-" and path.samefile(other) for other in inputs):
            raise click.UsageError(f"{name} is one of the captures.")
        if not force:
            raise click.UsageError(f"{name} exists; --force replaces it.")


@contextmanager
def written(output: str) -> Generator[IO[bytes], None, None]:
    """Write a file.

    Args:
        output: Its path; ``-`` is standard output. What is no regular file, such as a pipe, is
            written to as it is.

    Yields:
        What to write to.

    Raises:
        UnusableInput: If it cannot be written.
    """
    path = Path(output)
    if output == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                yield file
            return
        # A link stays one; what it names is replaced.
        with _replaced(path.resolve()) as file:
            yield file
    except OSError as error:
        raise UnusableInput(printable_name(output), error.strerror or str(error)) from None


@contextmanager
def _replaced(path: Path) -> Generator[IO[bytes], None, None]:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with beside.open("xb") as file:
            yield file
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
