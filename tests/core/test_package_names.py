"""The names of the package, which are imported when they are first used."""

from __future__ import annotations

import pytest

import wsdefrag
from child_process import child


def test_all_names_are_there_and_listed() -> None:
    assert set(wsdefrag.__all__) <= set(dir(wsdefrag))
    for name in wsdefrag.__all__:
        assert getattr(wsdefrag, name) is not None


def test_all_names_can_be_imported_into_a_new_interpreter() -> None:
    code = (
        "from wsdefrag import *; import wsdefrag; print(len(wsdefrag.__all__), Budget.__module__)"
    )
    status, output, errors = child(code)
    assert (status, errors) == (0, "")
    assert output.split() == [str(len(wsdefrag.__all__)), "wsdefrag.budget"]


def test_modules_are_attributes() -> None:
    code = "import wsdefrag; print(wsdefrag.events.Ping is wsdefrag.Ping, wsdefrag.relay.__name__)"
    assert child(code) == (0, "True wsdefrag.relay\n", "")


def test_other_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="module 'wsdefrag' has no attribute 'Nothing'"):
        wsdefrag.Nothing  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("name", ["connection", "direction", "frames", "pass_through", "relay"])
def test_classes_that_give_events_import_them(name: str) -> None:
    """The native module makes events; it must not import them while it runs."""
    code = f"import sys, wsdefrag.{name}; print('wsdefrag.events' in sys.modules)"
    assert child(code) == (0, "True\n", "")
