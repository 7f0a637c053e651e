"""Reading captures as Arrow tables for a command.

A table is handed on batch by batch; what was lost is gathered from the columns as they pass. The
table of connections is at hand when that of messages has been read to its end, and so is what is to
be said of the files; so the bytes that were lost are known without a second pass.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from typing import TYPE_CHECKING, Literal

from wsdefrag.cli.input.inputs import Input
from wsdefrag.cli.input.source import file_size, progress
from wsdefrag.cli.output.complaint import UnusableInput
from wsdefrag.cli.passes.reading import Reading
from wsdefrag.errors import CaptureError
from wsdefrag.strictness import Strictness

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from wsdefrag.capture.capture import ArrowTables
    from wsdefrag.cli.selection import Selection
    from wsdefrag.formats.tables import ArrowTable

_ACCOUNT = ("missing", "lost", "violation")
_RULES = [field.name for field in fields(Strictness)]
_COLUMNS = [
    "connection",
    "midstream",
    *(f"{s}_{n}" for s in ("client", "server") for n in _ACCOUNT),
    *(f"{s}_tolerated_{rule}" for s in ("client", "server") for rule in _RULES),
]


class ArrowReading(Reading):
    """One pass over captures that gives a table.

    Args:
        source: Their paths, or the one that is open.
        selection: What is wanted of them.
        content: Whether contents are wanted.

    Raises:
        UnusableInput: If pyarrow is not installed, or a file cannot be opened.
    """

    def __init__(
        self, source: Input | list[str], selection: Selection, *, content: bool = True
    ) -> None:
        """Read nothing yet."""
        try:
            import pyarrow as pa  # noqa: F401  (it is all that can be missing later)
        except ModuleNotFoundError:
            reason = "needs pyarrow: pip install 'wsdefrag[arrow]'"
            raise UnusableInput("this format", reason) from None
        # Only of what is read from here is it known how far it is.
        if isinstance(source, list) and len(source) == 1:
            source = Input(source[0])
        super().__init__(source, selection, content=content)
        self._input = source if isinstance(source, Input) else None
        # Exceptions do not get through Arrow's interface as they are.
        self._unusable: UnusableInput | None = None

    def table(self, name: Literal["messages", "connections"]) -> ArrowTable:
        """Read a table.

        Whatever goes wrong ends it as the end of the capture does; ``check`` and ``finish`` tell
        of it.

        Args:
            name: Which one.

        Returns:
            The table, to be read once.
        """
        import pyarrow as pa

        tables = self.capture.to_arrow()
        stream = pa.RecordBatchReader.from_stream(getattr(tables, name))
        batches = self._observed(stream, name, tables)
        table: ArrowTable = pa.RecordBatchReader.from_batches(stream.schema, batches)
        return table

    def check(self) -> None:
        """Tell whether the table that has been read is worth keeping.

        Raises:
            UnusableInput: If a file could not be read, or had nothing in it that could.
        """
        if self._unusable is not None:
            raise self._unusable

    def _observed(
        self,
        stream: pa.RecordBatchReader,
        name: Literal["messages", "connections"],
        tables: ArrowTables,
    ) -> Iterator[pa.RecordBatch]:
        """Hand batches on, and look at them."""
        import pyarrow as pa

        size = 0 if self._input is None else file_size(self._input)
        with progress(size, self.name) as advance:
            while (batch := self._next(stream)) is not None:
                if name == "messages":
                    self._see_messages(batch)
                else:
                    self._see_connections(batch)
                yield batch
                if self._input is not None:
                    self.bytes_read = self._input.position
                    advance(self.bytes_read)
        if name == "messages" and not self.ended_early and self._unusable is None:
            for batch in pa.RecordBatchReader.from_stream(tables.connections):
                self._see_connections(batch)
        self.losses.warnings += tables.messages.warnings

    def _next(self, stream: pa.RecordBatchReader) -> pa.RecordBatch | None:
        """Read a batch; None at the end, whatever that is."""
        import pyarrow as pa

        try:
            return stream.read_next_batch()
        except StopIteration:
            return None
        except pa.ArrowInvalid as error:
            # Where in the file it is, only the text says here.
            text = str(error).removeprefix("External error: ")
            self.failure = CaptureError(text, file=self.name, record=0, offset=0)
            if not self.losses.messages and not self.losses.connections:
                self._unusable = UnusableInput(*self._place(text))
        except OSError as error:
            self._unusable = UnusableInput(self.name, error.strerror or str(error))
        except KeyboardInterrupt:
            self.interrupted = True
        return None

    def _see_messages(self, batch: pa.RecordBatch) -> None:
        import pyarrow.compute as pc

        counted = batch.column("status").dictionary_decode().value_counts()
        statuses = Counter({row["values"]: row["counts"] for row in counted.to_pylist()})
        self.losses.see_statuses(statuses)
        lengths = pc.sum(pc.binary_length(batch.column("content"))).as_py()
        self.losses.content += lengths or 0

    def _see_connections(self, batch: pa.RecordBatch) -> None:
        for row in batch.select(_COLUMNS).to_pylist():
            sides = {
                side: (row[f"{side}_missing"], row[f"{side}_lost"], row[f"{side}_violation"])
                for side in ("client", "server")
            }
            tolerated = {
                side: {rule: row[f"{side}_tolerated_{rule}"] for rule in _RULES}
                for side in ("client", "server")
            }
            self.losses.see_connection(row["connection"], row["midstream"], sides, tolerated)
