"""Captures as tables of Apache Spark: a Python data source with the name ``wsdefrag``.

::

    options     what a query asks for, checked before any file is opened
    schema      the columns of a table in the types of Spark, and batches converted to them
    filters     which of a query's conditions a capture can apply itself
    batches     one capture point's files, or the rows of a share of its connections, as batches
    source      the data source, and its reader
    stream      micro-batches of a folder that files arrive in
    stream_log  which files these had, and the states of the captures between them
    session     a session on this machine that has the source

`wsdefrag.tasks` plans and reads. The unit of work is one capture point: its files are one capture,
because connections go on from file to file. There is no place inside a stream where reading could
begin, so neither a file nor a range of bytes is read alone. Several tasks can share a large one by
its connections, and then each reads all of its files. The rows are those of ``Capture``, however
often a task is tried.

pyspark is imported when a name of this module is first used: ``pip install 'wsdefrag[spark]'``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsdefrag.spark.session import local_session, register
    from wsdefrag.spark.source import WebSocketCaptures

__all__ = ["WebSocketCaptures", "local_session", "register"]

_MODULES = {"WebSocketCaptures": "source", "local_session": "session", "register": "session"}

if not TYPE_CHECKING:  # with __getattr__, a type checker would accept every name

    def __getattr__(name: str) -> object:
        """Import a name from its module when the name is first used."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            value = getattr(import_module(f"wsdefrag.spark.{_MODULES[name]}"), name)
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package not in ("pyspark", "pyarrow"):
                raise
            raise ImportError(
                f"wsdefrag.spark needs {package}: pip install 'wsdefrag[spark]'"
            ) from error
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """List all public names, also those that have not been imported yet."""
    return sorted({*globals(), *__all__})
