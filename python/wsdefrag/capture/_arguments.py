"""Checks the arguments of ``Capture`` and converts them for the native module."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from wsdefrag._arguments import require_bool, require_int, require_number, require_optional
from wsdefrag.opcode import Opcode

if TYPE_CHECKING:
    from wsdefrag.deflate import DeflateParams

NANOSECONDS = 10**9
_MOST = 2**63 - 1

PathLike = str | os.PathLike[str]


@runtime_checkable
class BinaryFile(Protocol):
    """A file object that is read in bytes: open files, pipes, ``io.BytesIO``."""

    def read(self, size: int, /) -> bytes | None:
        """Return at most ``size`` bytes; b"" at the end, None if no bytes are available yet."""


def sources(
    source: PathLike | Iterable[PathLike] | BinaryFile,
) -> tuple[BinaryFile | None, list[str]]:
    """Return a file object and no paths, or None and the paths as strings."""
    if isinstance(source, (str, os.PathLike)):
        return None, [os.fspath(source)]
    if isinstance(source, BinaryFile):
        return source, []
    if isinstance(source, (bytes, bytearray)) or not isinstance(source, Iterable):
        raise TypeError(
            f"source must be a path, paths or a binary file object, not {type(source).__name__}"
        )
    paths = [os.fspath(path) for path in source]
    if not paths:
        raise ValueError("source holds no path")
    return None, paths


_STARTS_OF_LINES = ("CLIENT_", "SERVER_", "EXPORTER_", "EARLY_EXPORTER_", "RSA ")
"""How lines of a key log begin that have a key."""


def key_logs(
    keylog: PathLike | bytes | BinaryFile | Iterable[PathLike | bytes | BinaryFile] | None,
) -> tuple[list[str], list[bytes]]:
    """Return the paths of key logs, and the contents of those that are given as bytes or files."""
    if keylog is None:
        return [], []
    one_of_them = (str, os.PathLike, bytes, bytearray, memoryview, BinaryFile)
    logs: Any = [keylog] if isinstance(keylog, one_of_them) else keylog
    if not isinstance(logs, Iterable):
        raise TypeError(
            f"keylog must be paths, bytes or binary file objects, not {type(keylog).__name__}"
        )
    paths: list[str] = []
    contents: list[bytes] = []
    for one in logs:
        if isinstance(one, str) and (one.startswith(_STARTS_OF_LINES) or "\n" in one):
            # An error of opening it would quote it, with its keys.
            raise TypeError("keylog holds the text of a key log; give it as bytes, or give a path")
        if isinstance(one, (str, os.PathLike)):
            paths.append(os.fspath(one))
        elif isinstance(one, (bytes, bytearray, memoryview)):
            contents.append(bytes(one))
        elif isinstance(one, BinaryFile):
            contents.append(_whole(one))
        else:
            raise TypeError(
                f"keylog must hold paths, bytes or binary file objects, not {type(one).__name__}"
            )
    return paths, contents


def _whole(file: BinaryFile) -> bytes:
    """Read a file object to its end; a non-blocking one as far as it has bytes."""
    parts = []
    while data := file.read(1 << 20):
        if not isinstance(data, bytes):
            raise TypeError("keylog must be a binary file object, open it with mode 'rb'")
        parts.append(data)
    return b"".join(parts)


def file_name(file: BinaryFile | None) -> str:
    name = getattr(file, "name", None)
    return name if isinstance(name, str) else "<stream>"


def texts(name: str, values: Iterable[str]) -> list[str]:
    if isinstance(values, str):
        raise TypeError(f"{name} must be several strings, not one")
    texts = list(values)
    for text in texts:
        if not isinstance(text, str):
            raise TypeError(f"{name} must hold strings, not {type(text).__name__}")
    return texts


def number_ranges(numbers: Iterable[int | range]) -> list[tuple[int, int]]:
    """Return the first and the last number of each range; an int is a range of one number."""
    if not isinstance(numbers, Iterable):
        raise TypeError(f"connections must be several numbers or ranges, not {numbers!r}")
    ranges = []
    for item in numbers:
        one = item if isinstance(item, range) else range(require_int("connections", item), item + 1)
        if not 0 <= one.start < one.stop <= _MOST or one.step != 1:
            raise ValueError(
                f"connections must hold numbers from 0 and ranges of them, not {item!r}"
            )
        ranges.append((one.start, one.stop - 1))
    return ranges


def checked_port(port: int) -> int:
    if not 0 <= require_int("ports", port) <= 65_535:
        raise ValueError(f"ports must be 0 to 65535, not {port}")
    return port


def checked_type(name: str) -> Opcode:
    if name not in ("text", "binary"):
        raise ValueError(f"types must be 'text' or 'binary', not {name!r}")
    return Opcode[name.upper()]


def checked_key(key: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"key must be a string, not {type(key).__name__}")
    return key


def checked_count(name: str, count: int) -> int:
    if not 1 <= require_int(name, count) <= sys.maxsize:
        raise ValueError(f"{name} must be from 1 to {sys.maxsize}, not {count}")
    return count


def conditions(
    *,
    content: bool,
    grep: Iterable[str],
    grep_not: Iterable[str],
    ignore_case: bool,
    json: Iterable[str],
    statuses: Iterable[str],
    min_size: int | None,
    max_size: int | None,
    around: int,
) -> dict[str, Any]:
    """Check the conditions that are about contents; return them by their names."""
    require_bool("ignore_case", ignore_case)
    about_contents = {
        "grep": texts("grep", grep),
        "grep_not": texts("grep_not", grep_not),
        "json": texts("json", json),
        "min_size": _checked_size("min_size", min_size),
        "max_size": _checked_size("max_size", max_size),
    }
    searched = [value for value in about_contents.values() if value not in ([], None)]
    if searched and not content:
        raise ValueError("content is False, so contents cannot be searched")
    return {
        **about_contents,
        "ignore_case": ignore_case,
        "statuses": texts("statuses", statuses),
        "around": _checked_size("around", around),
    }


def _checked_size(name: str, size: int | None) -> int | None:
    if size is not None and not 0 <= require_int(name, size) <= sys.maxsize:
        raise ValueError(f"{name} must be from 0 to {sys.maxsize}, not {size}")
    return size


TABLES = ("messages", "connections", "events")


def chosen_columns(
    columns: Iterable[str] | Mapping[str, Iterable[str]] | None,
) -> list[list[str] | None]:
    """Return the names of the columns of each table, in the order of ``TABLES``; None for all."""
    if columns is None:
        return [None] * len(TABLES)
    if not isinstance(columns, Mapping):
        columns = {"messages": columns}
    for name in columns:
        if name not in TABLES:
            raise ValueError(f"columns: {name!r} is no table; tables are {', '.join(TABLES)}")
    names = [columns.get(table) for table in TABLES]
    return [None if chosen is None else texts("columns", chosen) for chosen in names]


def checked_address(text: str) -> str:
    """Return an IP address in its usual form."""
    # It takes longer to import than to use.
    from ipaddress import ip_address

    return str(ip_address(text))


def checked_deflate(deflate: DeflateParams | str | None) -> DeflateParams | None:
    """Parse a ``Sec-WebSocket-Extensions`` value; parameters and None come back unchanged."""
    if deflate is None:
        return None
    # Most captures need none, and the start of the command is short without it.
    from wsdefrag.deflate import DeflateParams

    if not isinstance(deflate, str):
        require_optional("deflate", deflate, DeflateParams)
        return deflate
    agreed = DeflateParams.from_header(deflate)
    if agreed is None:
        raise ValueError(f"deflate does not name permessage-deflate: {deflate!r}")
    return agreed


def to_duration(name: str, seconds: float) -> int:
    """Convert a duration from seconds to nanoseconds."""
    if require_number(name, seconds) < 0:
        raise ValueError(f"{name} must be 0 seconds or more, not {seconds}")
    return to_nanoseconds(name, seconds)


def to_nanoseconds(name: str, seconds: float) -> int:
    """Convert seconds to nanoseconds; limits the result to the range of a signed 64-bit integer."""
    try:
        return max(-_MOST, min(round(require_number(name, seconds) * NANOSECONDS), _MOST))
    except OverflowError:
        return _MOST if seconds > 0 else -_MOST
    except ValueError:
        raise ValueError(f"{name} must be a number of seconds, not {seconds}") from None
