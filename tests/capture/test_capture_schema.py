"""The schema of the tables: it does not change without a new version, and columns can be chosen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from capture_recordings import LOADED
from wsdefrag import __version__
from wsdefrag._native import CapturePlan  # noqa: TID251
from wsdefrag.capture import Capture

GOLDEN = Path(__file__).parents[2] / "vectors" / "schema.json"
DEMO = LOADED["demo"].path
TABLES = ("messages", "connections", "events")


def described(schema: pa.Schema) -> list[list[str]]:
    """The name and the type of each column, and whether it has nulls."""
    return [
        [field.name, str(field.type), "null" if field.nullable else "not null"] for field in schema
    ]


def test_schema_is_the_one_of_its_version() -> None:
    """A change of a column needs a new version, a new golden file and a line in the changelog."""
    golden = json.loads(GOLDEN.read_text())
    assert golden["version"] == CapturePlan.schema_version()
    tables = Capture(DEMO).to_arrow()
    for name in TABLES:
        assert described(pa.schema(getattr(tables, name))) == golden[name], name


def test_metadata_name_version_table_and_producer() -> None:
    tables = Capture(DEMO).to_arrow()
    for name in TABLES:
        for schema in (pa.schema(getattr(tables, name)), pa.table(getattr(tables, name)).schema):
            assert schema.metadata == {
                b"wsdefrag.schema_version": CapturePlan.schema_version().encode(),
                b"wsdefrag.table": name.encode(),
                b"wsdefrag.producer": f"wsdefrag {__version__}".encode(),
            }


def test_page_of_the_docs_names_the_version() -> None:
    page = (GOLDEN.parents[1] / "docs" / "schema.md").read_text()
    assert f"version {CapturePlan.schema_version()} of their schema" in page


def test_columns_are_chosen_in_order() -> None:
    chosen = ["seq", "text", "uid", "host"]
    capture = Capture(DEMO, columns=chosen)
    whole = pa.table(Capture(DEMO))
    assert pa.table(capture) == whole.select(chosen).replace_schema_metadata(whole.schema.metadata)
    assert pa.schema(capture).names == chosen
    # Other tables keep all columns.
    assert pa.schema(capture.to_arrow().events) == pa.schema(Capture(DEMO).to_arrow().events)


def test_columns_of_each_table_are_chosen() -> None:
    columns = {"messages": [], "events": ("kind", "effect"), "connections": ["problems"]}
    tables = Capture(DEMO, columns=columns).to_arrow()
    for name, names in columns.items():
        found = pa.table(getattr(tables, name))
        assert found.column_names == list(names)
        assert found.num_rows == pa.table(getattr(Capture(DEMO).to_arrow(), name)).num_rows


@pytest.mark.parametrize(
    ("columns", "error", "says"),
    [
        (["seq", "nope"], ValueError, 'the table messages has no column "nope"'),
        (["seq", "seq"], ValueError, 'the column "seq" is chosen twice'),
        ({"events": ["content"]}, ValueError, 'the table events has no column "content"'),
        ({"rows": ["seq"]}, ValueError, "'rows' is no table"),
        ("seq", TypeError, "must be several strings"),
        ([1], TypeError, "must hold strings"),
        ({"events": "kind"}, TypeError, "must be several strings"),
    ],
)
def test_columns_that_do_not_exist_are_refused(
    columns: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        Capture(DEMO, columns=columns)


def test_capture_point_changes_the_identity_and_nothing_else() -> None:
    plain, other = (
        [(one.uid, one.connection, one.problems) for one in capture.connections()]
        for capture in (Capture(DEMO), Capture(DEMO, capture_point="tap 7"))
    )
    assert [rest for _, *rest in plain] == [rest for _, *rest in other]
    assert len({uid for uid, *_ in plain + other}) == 10
    with pytest.raises(TypeError, match="capture_point must be a str"):
        Capture(DEMO, capture_point=1)  # type: ignore[arg-type]


def test_identity_does_not_depend_on_filters() -> None:
    whole = {one.client_address: one.uid for one in Capture(DEMO).connections()}
    for filters in ({"hosts": ["prices.example"]}, {"from_client": True}, {"content": False}):
        for one in Capture(DEMO, **filters).connections():
            assert one.uid == whole[one.client_address]
            assert len(one.uid) == 16
