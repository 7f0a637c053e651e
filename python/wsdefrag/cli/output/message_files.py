"""``MessageFiles``: a folder with a file for each message, and a list of them.

```text
OUT/index.jsonl           in order, the JSON line of each message, without content, with "name"
OUT/3/000017-client.json  the content of the client's message 17 in connection 3
```

The end of a name says what the content is: ``.json`` and ``.txt`` for text, ``.bin`` for the rest,
and for text that is not whole.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wsdefrag.cli.output.errors import UnusableInput, printable_name
from wsdefrag.formats.jsonl import json_line

if TYPE_CHECKING:
    from io import FileIO
    from types import TracebackType

    from typing_extensions import Self

    from wsdefrag.capture import CapturedMessage

_INDEX = "index.jsonl"


class MessageFiles:
    """Writes messages to files in a folder, which is made if it is not there.

    Args:
        folder: The folder.
        force: Whether files in it may be replaced.

    Raises:
        click.UsageError: If it is a file, or has a list of messages already.
        UnusableInput: If it cannot be written.
    """

    def __init__(self, folder: Path, *, force: bool) -> None:
        """Make the folder and start the list."""
        name = printable_name(str(folder))
        if folder.exists() and not folder.is_dir():
            raise click.UsageError(f"{name} is a file; several messages need a folder.")
        if not force and (folder / _INDEX).exists():
            raise click.UsageError(f"{name} has extracted messages; --force replaces them.")
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._index: FileIO = (folder / _INDEX).open("wb", buffering=0)
        except OSError as error:
            raise UnusableInput(name, error.strerror or str(error)) from None

    def __enter__(self) -> Self:
        """Return the object itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the list; files that were written stay."""
        self._index.close()  # it is not buffered, so nothing is left to be written

    def write(self, message: CapturedMessage) -> None:
        """Write a message.

        Args:
            message: The message.

        Raises:
            UnusableInput: If it cannot be written.
        """
        path = self._folder / str(message.connection.connection)
        side = "client" if message.from_client else "server"
        path /= f"{message.seq:06}-{side}{_ending(message)}"
        line = json_line(message, content=False).removesuffix(b"}\n")
        name = json.dumps(path.relative_to(self._folder).as_posix()).encode()
        entry = b'%b, "name": %b}\n' % (line, name)
        listed = self._index.tell()
        try:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(message.content)
            while entry:  # a full disk may take a part of it before it refuses the rest
                entry = entry[self._index.write(entry) :]
        except OSError as error:
            with suppress(OSError):  # neither half a file nor half a line is left
                self._index.truncate(listed)
                path.unlink(missing_ok=True)
            raise UnusableInput(printable_name(str(path)), error.strerror or str(error)) from None


def _ending(message: CapturedMessage) -> str:
    if message.status != "ok" or not message.is_text:
        return ".bin"
    try:
        json.loads(message.content)
    except (ValueError, RecursionError):
        return ".txt"
    return ".json"
