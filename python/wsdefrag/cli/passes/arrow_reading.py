"""``ArrowReading``: reads captures as an Arrow table and counts losses meanwhile.

The losses are counted from the columns of each batch. When a table has been read to its end, the
connections, the events and the warnings are available without a second pass unless they are large,
so lost bytes can be reported.
"""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from dataclasses import fields
from threading import Thread
from typing import TYPE_CHECKING, Literal

from wsdefrag.capture import PacketCounts
from wsdefrag.cli.input.inputs import Input
from wsdefrag.cli.input.source import file_size, progress
from wsdefrag.cli.output.errors import UnusableInput
from wsdefrag.cli.passes.reading import Reading
from wsdefrag.cli.signals import deferred, received
from wsdefrag.errors import CaptureError
from wsdefrag.strictness import Strictness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from wsdefrag.capture.capture import ArrowTables
    from wsdefrag.cli.selection import Selection
    from wsdefrag.formats.tables import ArrowTable

_ACCOUNT = ("missing", "late", "lost", "violation")
_RULES = [field.name for field in fields(Strictness)]
_COLUMNS = [
    "connection",
    "midstream",
    *(f"{s}_{n}" for s in ("client", "server") for n in _ACCOUNT),
    *(f"{s}_tolerated_{rule}" for s in ("client", "server") for rule in _RULES),
]


class ArrowReading(Reading):
    """One pass over captures that returns a table.

    Args:
        source: The paths of the captures, or an open input.
        selection: The values of the options.
        content: Whether to read contents.

    Raises:
        UnusableInput: If pyarrow is not installed, or a file cannot be opened.
    """

    def __init__(
        self, source: Input | list[str], selection: Selection, *, content: bool = True
    ) -> None:
        """Open the input; reads no packets."""
        try:
            import pyarrow as pa  # noqa: F401  (fail before reading, if it is not installed)
        except ModuleNotFoundError:
            reason = "needs pyarrow: pip install 'wsdefrag[arrow]'"
            raise UnusableInput("this format", reason) from None
        # An ``Input`` counts the bytes read; a path that the native module opens has no counter.
        if isinstance(source, list) and len(source) == 1:
            source = Input(source[0])
        super().__init__(source, selection, content=content)
        self._input = source if isinstance(source, Input) else None
        # Arrow's interface does not preserve exceptions, so this one is kept for ``check``.
        self._unusable: UnusableInput | None = None

    def table(self, name: Literal["messages", "connections", "events"]) -> ArrowTable:
        """Return a table.

        An error ends the table early, without an exception; ``check`` and ``finish`` report it.

        Args:
            name: Which table.

        Returns:
            The table; it can be read once.
        """
        import pyarrow as pa

        tables = self.capture.to_arrow()
        stream = pa.RecordBatchReader.from_stream(getattr(tables, name))
        batches = self._observed(stream, name, tables)
        table: ArrowTable = pa.RecordBatchReader.from_batches(stream.schema, batches)
        return table

    def ended_by_signals(self) -> AbstractContextManager[None]:
        """What to do with signals while a table is written.

        Python runs signal handlers while an ``Input`` is read. Only there is the first signal kept
        back: raised elsewhere, it would be replaced by pyarrow.
        """
        return nullcontext() if self._input is None else deferred()

    def run(self, write: Callable[[], object]) -> None:
        """Write a table. A signal is raised meanwhile, except where it is kept back.

        The native module reads several files without Python, so no signal handler runs in its
        thread until a batch is full. So that is another thread, which the end of the process ends.

        Args:
            write: Writes the table.

        Raises:
            Stopped: If a signal came.
        """
        if self._input is not None:
            write()
            return
        errors: list[BaseException] = []

        def work() -> None:
            try:
                write()
            except BaseException as error:  # raised below
                errors.append(error)

        thread = Thread(target=work, daemon=True)
        thread.start()
        while thread.is_alive():
            # Without a limit, no signal handler runs on Windows.
            thread.join(0.1)
        for error in errors:
            raise error

    def check(self) -> None:
        """Raise what makes the written table useless; call after writing it.

        Raises:
            Stopped: If a signal came; a live input has ended instead, and its table is complete.
            UnusableInput: If a file could not be read, or nothing in it could be.
        """
        is_live = self._input is not None and self._input.is_live
        if (stopped := received()) is not None and not is_live:
            raise stopped
        if self._unusable is not None:
            raise self._unusable

    def _observed(
        self,
        stream: pa.RecordBatchReader,
        name: Literal["messages", "connections", "events"],
        tables: ArrowTables,
    ) -> Iterator[pa.RecordBatch]:
        """Yield the batches of a table and count their losses."""
        size = 0 if self._input is None else file_size(self._input)
        with progress(size, self.name) as advance:
            while (batch := self._next(stream)) is not None:
                if name == "messages":
                    self._count_messages(batch)
                elif name == "events":
                    self._count_events(batch)
                else:
                    self._count_connections(batch)
                yield batch
                if self._input is not None:
                    self.bytes_read = self._input.position
                    advance(self.bytes_read)
        self.counts = PacketCounts(**tables.messages.counts)
        self.losses.count_packets(self.counts, tables.messages.warnings)
        if not self.ended_early and self._unusable is None:
            self._count_others(name, tables)

    def _count_others(self, name: str, tables: ArrowTables) -> None:
        """Count the losses of the tables that the pass has kept."""
        import pyarrow as pa

        try:
            if name != "connections":
                for batch in pa.RecordBatchReader.from_stream(tables.connections):
                    self._count_connections(batch)
            if name != "events":
                for batch in pa.RecordBatchReader.from_stream(tables.events):
                    self._count_events(batch)
        except ValueError:  # the table is large, and the input can be read only once
            self.losses.warnings.append("too many connections or events to report all losses")

    def _next(self, stream: pa.RecordBatchReader) -> pa.RecordBatch | None:
        """Return the next batch; None at the end and after an error or a signal."""
        import pyarrow as pa

        self._stopped = received()
        if self._stopped is not None:
            return None
        try:
            return stream.read_next_batch()
        except StopIteration:
            return None
        except pa.ArrowInvalid as error:
            # The offset in the file is only in the text of this error.
            if self.stopped is not None:  # the input ended in the middle of a record
                return None
            text = str(error).removeprefix("External error: ")
            self.failure = CaptureError(text, file=self.name, record=0, offset=0)
            if not self.losses.messages and not self.losses.connections:
                self._unusable = UnusableInput(*self._file_and_text(text))
        except OSError as error:
            self._unusable = UnusableInput(self.name, error.strerror or str(error))
        return None

    def _count_messages(self, batch: pa.RecordBatch) -> None:
        import pyarrow.compute as pc

        counted = batch.column("status").dictionary_decode().value_counts()
        statuses = Counter({row["values"]: row["counts"] for row in counted.to_pylist()})
        self.losses.count_statuses(statuses)
        for name in ("text", "content"):
            self.losses.content += pc.sum(pc.binary_length(batch.column(name))).as_py() or 0

    def _count_events(self, batch: pa.RecordBatch) -> None:
        import pyarrow.compute as pc

        ends = pc.equal(batch.column("effect").dictionary_decode(), "end")
        self.losses.count_ends(pc.sum(ends).as_py() or 0)

    def _count_connections(self, batch: pa.RecordBatch) -> None:
        for row in batch.select(_COLUMNS).to_pylist():
            sides = {
                side: tuple(row[f"{side}_{name}"] for name in _ACCOUNT)
                for side in ("client", "server")
            }
            tolerated = {
                side: {rule: row[f"{side}_tolerated_{rule}"] for rule in _RULES}
                for side in ("client", "server")
            }
            self.losses.count_connection(row["connection"], row["midstream"], sides, tolerated)
