"""Writes output files completely or not at all.

The bytes go to a temporary file in the same directory, which is renamed when it is complete. So the
output is never incomplete, and after an error an existing file is unchanged.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import click

from wsdefrag.cli.output.errors import UnusableInput, printable_name

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable


def is_folder(output: str) -> bool:
    """Whether an output is a folder: it exists as one, or its name ends in a slash."""
    return output != "-" and (Path(output).is_dir() or output.endswith(("/", os.sep)))


def check_folder(output: str) -> None:
    """Check, before reading, that a folder exists or can be created.

    Args:
        output: The path of the folder.

    Raises:
        click.UsageError: If its directory is missing, or it is a file.
    """
    path = Path(output)
    if path.exists() and not path.is_dir():
        raise click.UsageError(f"{printable_name(str(path))} is a file, not a folder.")
    _check_parent(path)


def _check_parent(path: Path) -> None:
    name = printable_name(str(path.parent))
    if not path.parent.exists():
        raise click.UsageError(f"the directory {name} does not exist.")
    if not path.parent.is_dir():
        raise click.UsageError(f"{name} is not a directory.")


def check_output(
    output: str, inputs: Iterable[str], *, force: bool, in_folder: bool = False
) -> None:
    """Check, before reading, that the output may be written.

    Args:
        output: The path of the output, or ``-``.
        inputs: The paths of the inputs.
        force: Whether an existing file may be replaced.
        in_folder: Whether it is in a folder that was checked, and may have to be created.

    Raises:
        click.UsageError: If the output exists, is one of the inputs, or its directory is missing.
    """
    path = Path(output)
    name = printable_name(output)
    if output == "-":
        return
    if not path.exists():
        if not in_folder:
            _check_parent(path)
    elif path.is_file():
        if any(other != "-" and path.samefile(other) for other in inputs):
            raise click.UsageError(f"{name} is one of the captures.")
        if not force:
            raise click.UsageError(f"{name} exists; --force replaces it.")


class _Flushing:
    """Standard output; each write is passed on at once.

    Args:
        file: The buffered file object.
    """

    def __init__(self, file: IO[bytes]) -> None:
        """Store the file object."""
        self._file = file

    def write(self, data: bytes) -> int:
        """Write and flush."""
        length = self._file.write(data)
        self._file.flush()
        return length


@contextmanager
def folder(output: str) -> Generator[None, None, None]:
    """Create a folder, unless it exists; it is removed again if the block ends with an exception.

    Args:
        output: The path of the folder.

    Yields:
        Nothing.

    Raises:
        UnusableInput: If it cannot be created.
    """
    path = Path(output)
    is_new = not path.exists()
    with errors_of(output):
        path.mkdir(exist_ok=True)
    try:
        yield
    except BaseException:
        with suppress(OSError):  # it may have other files by now
            if is_new:
                path.rmdir()
        raise


@contextmanager
def errors_of(output: str) -> Generator[None, None, None]:
    """Have errors of the system name an output.

    Args:
        output: The path of the output.

    Yields:
        Nothing.

    Raises:
        UnusableInput: If the block raises ``OSError``.
    """
    try:
        yield
    except OSError as error:
        raise UnusableInput(printable_name(output), error.strerror or str(error)) from None


@contextmanager
def written(output: str, *, is_live: bool = False) -> Generator[IO[bytes], None, None]:
    """Open an output; it gets its name when the block ends without an exception.

    Args:
        output: A path; ``-`` is standard output. A pipe or a device is written directly.
        is_live: Whether to pass each write to standard output on at once.

    Yields:
        The file object to write to.

    Raises:
        UnusableInput: If the output cannot be written.
    """
    path = Path(output)
    if output == "-":
        stdout = sys.stdout.buffer
        yield cast("IO[bytes]", _Flushing(stdout)) if is_live else stdout
        sys.stdout.buffer.flush()
        return
    with errors_of(output):
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                yield file
            return
        # Replace the target of a symbolic link, not the link.
        with _replaced(path.resolve()) as file:
            yield file


@contextmanager
def _replaced(path: Path) -> Generator[IO[bytes], None, None]:
    beside = path.with_name(f".{path.name}.{os.urandom(4).hex()}.part")
    try:
        with beside.open("xb") as file:
            yield file
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
