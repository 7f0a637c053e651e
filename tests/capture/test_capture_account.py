"""The counters of an account and the defaults of a capture are the engine's, by name and order."""

from __future__ import annotations

import inspect
import json
from dataclasses import fields

import pyarrow as pa
import pytest

from capture_recordings import recordings
from wsdefrag._native import CapturePlan  # noqa: TID251
from wsdefrag.capture import Account, Capture
from wsdefrag.formats.jsonl import json_line
from wsdefrag.strictness import Strictness

DEMO = Capture(recordings.DIRECTORY / "demo.pcapng")
COUNTERS = CapturePlan.account_counters()


def test_dataclass_has_the_counters_of_the_engine() -> None:
    names = [field.name for field in fields(Account)]
    assert names == [*COUNTERS, "tolerated", "counts", "violation"]


def test_tolerated_rules_are_those_that_can_be_switched_off() -> None:
    assert [field.name for field in fields(Strictness)] == CapturePlan.tolerated_rules()


@pytest.mark.parametrize("side", ["client", "server"])
def test_columns_and_json_keys_are_the_counters(side: str) -> None:
    tolerated = [f"tolerated_{rule}" for rule in CapturePlan.tolerated_rules()]
    expected = [f"{side}_{name}" for name in [*COUNTERS, *tolerated, "violation"]]
    columns = pa.schema(DEMO.to_arrow().connections).names
    keys = list(json.loads(json_line(next(DEMO.connections()))))
    assert keys == columns
    start = columns.index(f"{side}_bytes")
    assert columns[start : start + len(expected)] == expected


def test_defaults_are_those_of_the_engine() -> None:
    parameters = inspect.signature(Capture).parameters
    defaults = CapturePlan.defaults()
    assert {name: parameters[name].default for name in defaults} == defaults
    # The other arguments are None or empty by default: no filter, or a class with its own defaults.
    others = {name: one.default for name, one in parameters.items() if name not in defaults}
    del others["source"]
    # `around` and `ignore_case` do nothing where nothing is searched.
    assert (others.pop("around"), others.pop("ignore_case")) == (0, False)
    assert others.pop("continues") is False
    assert others.pop("threads") == 1
    assert set(others.values()) <= {(), None, "", "auto"}, others
