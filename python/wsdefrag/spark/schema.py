"""The columns of a table in the types of Spark, and batches converted to them.

Spark has no unsigned numbers and no nanoseconds. Numbers become the next larger signed type; 64-bit
ones stay 64-bit, and what is over the largest becomes the largest. A time is there twice:
``timestamp`` in microseconds, and ``timestamp_ns``, a number of nanoseconds since the epoch, which
is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    DayTimeIntervalType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from wsdefrag.capture import Capture
from wsdefrag.spark.options import ReadOptions

EXACT = "_ns"
"""What the names of exact times end with."""

_MOST = 2**63 - 1

_SIMPLE: list[tuple[Callable[[Any], bool], Callable[[], DataType]]] = [
    (pa.types.is_boolean, BooleanType),
    (pa.types.is_uint16, IntegerType),
    (pa.types.is_uint32, LongType),
    (pa.types.is_uint64, LongType),
    (pa.types.is_int64, LongType),
    (pa.types.is_string, StringType),
    (pa.types.is_binary, BinaryType),
    (pa.types.is_fixed_size_binary, BinaryType),
    (pa.types.is_timestamp, TimestampType),
    (pa.types.is_duration, DayTimeIntervalType),
]


def _spark_type(type: Any) -> DataType:  # noqa: ANN401  (pyarrow has no types of its own)
    for is_it, spark_type in _SIMPLE:
        if is_it(type):
            return spark_type()
    if pa.types.is_dictionary(type):
        return _spark_type(type.value_type)
    if pa.types.is_list(type):
        return ArrayType(_spark_type(type.value_type), containsNull=type.value_field.nullable)
    if pa.types.is_struct(type):
        fields = [StructField(it.name, _spark_type(it.type), nullable=it.nullable) for it in type]
        return StructType(fields)
    raise TypeError(f"Spark has no type for {type}")


@dataclass(frozen=True)
class _Column:
    """A column of Spark's table.

    Attributes:
        name: Its name.
        source: The name of the capture's column that it is made of.
        type: Its type.
    """

    name: str
    source: str
    type: DataType


class TableSchema:
    """The columns of a table that a query asks for.

    Args:
        options: What the query asks for.

    Raises:
        ValueError: If a column does not exist, or an option has none of its values.
    """

    def __init__(self, options: ReadOptions) -> None:
        all_columns = list(_columns(_arrow_schema(options)))
        if options.columns is not None:
            known = {column.name: column for column in all_columns}
            for name in options.columns:
                if name not in known:
                    raise ValueError(
                        f"the table {options.table} has no column {name!r}; "
                        f"it has {', '.join(known)}"
                    )
            all_columns = [known[name] for name in options.columns]
        self._columns = all_columns
        self._has_point = options.point is not None
        self._gives_errors = options.gives_errors

    def sources(self) -> list[str]:
        """Return the names of the capture's columns that are needed."""
        return list(dict.fromkeys(column.source for column in self._columns))

    def spark(self) -> StructType:
        """Return the columns in the types of Spark."""
        fields = [StructField(column.name, column.type) for column in self._columns]
        if self._has_point:
            fields.append(StructField("capture_point", StringType()))
        if self._gives_errors:
            fields.append(StructField("read_error", StringType()))
        return StructType(fields)

    def arrow(self) -> Any:  # noqa: ANN401
        """Return the columns in the types that Spark takes batches in."""
        return to_arrow_schema(self.spark(), timezone="UTC")

    def batch(self, batch: Any, point: str) -> Any:  # noqa: ANN401
        """Convert a batch of a capture's table.

        Args:
            batch: The batch, with the columns of ``sources()``.
            point: The name of the capture point.
        """
        schema = self.arrow()
        arrays = [
            _converted(batch.column(column.source), schema.field(column.name).type)
            for column in self._columns
        ]
        rows = batch.num_rows
        if self._has_point:
            arrays.append(pa.repeat(pa.scalar(point, pa.string()), rows))
        if self._gives_errors:
            arrays.append(pa.nulls(rows, pa.string()))
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    def error_batch(self, errors: list[str], point: str) -> Any:  # noqa: ANN401
        """Return rows that have nothing but an error each."""
        schema = self.arrow()
        given = {"read_error": errors, "capture_point": [point] * len(errors)}
        empty: list[None] = [None] * len(errors)
        arrays = [pa.array(given.get(field.name, empty), field.type) for field in schema]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _arrow_schema(options: ReadOptions) -> Any:  # noqa: ANN401
    return pa.schema(Capture("-", **options.capture)._table(options.table))


def _columns(schema: Iterable[Any]) -> Iterable[_Column]:
    for field in schema:
        yield _Column(field.name, field.name, _spark_type(field.type))
        if pa.types.is_timestamp(field.type) or pa.types.is_duration(field.type):
            yield _Column(field.name + EXACT, field.name, LongType())


def _converted(array: Any, type: Any) -> Any:  # noqa: ANN401
    """Convert an array of a capture's column to a type of Spark's."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_uint64(array.type):
        return _signed(array)
    if pa.types.is_list(array.type) and array.type != type:
        return _list(array, type)
    if pa.types.is_timestamp(type) or pa.types.is_duration(type):
        return array.cast(type, safe=False)
    return array if array.type == type else array.cast(type)


def _signed(array: Any) -> Any:  # noqa: ANN401
    """Convert to signed numbers. A frame's length on the wire may be any number."""
    try:
        return array.cast(pa.int64())
    except pa.ArrowInvalid:
        return pc.min_element_wise(array, pa.scalar(_MOST, pa.uint64()), skip_nulls=False).cast(
            pa.int64()
        )


def _list(array: Any, type: Any) -> Any:  # noqa: ANN401
    """Convert the items of lists, which are values or structs."""
    array = pa.concat_arrays([array])  # without an offset, so that the items are those of its lists
    items, item_type = array.values, type.value_type
    if pa.types.is_struct(item_type):
        fields = [
            _converted(items.field(place), field.type) for place, field in enumerate(item_type)
        ]
        items = pa.StructArray.from_arrays(fields, fields=list(item_type))
    else:
        items = _converted(items, item_type)
    return pa.ListArray.from_arrays(array.offsets, items, type=type, mask=array.is_null())
