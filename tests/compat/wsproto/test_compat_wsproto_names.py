"""The replacement has wsproto's modules, names and classes."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from typing import Any

import pytest
import wsproto
from wsproto.connection import ConnectionState

import wsdefrag.compat.wsproto as drop_in
from hang_guard import HANG_SECONDS
from wsdefrag.compat.wsproto.extensions import PerMessageDeflate

SUBMODULES = [
    "connection",
    "events",
    "extensions",
    "frame_protocol",
    "handshake",
    "typing",
    "utilities",
]


OURS = {
    "connection": {"Connection"},
    "events": set(),
    "extensions": {"PerMessageDeflate", "SUPPORTED_EXTENSIONS"},
    "frame_protocol": set(),
    "handshake": {
        "H11Handshake",
        "client_extensions_handshake",
        "server_extensions_handshake",
    },
    "typing": set(),
    "utilities": {"split_comma_header"},
}


def public(module: Any) -> dict[str, object]:
    """The public names of a module, without those for its own type hints."""
    names = {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and name not in {"T", "annotations", "TYPE_CHECKING"}
    }
    return {
        name: value
        for name, value in names.items()
        if not inspect.ismodule(value)
        and getattr(value, "__module__", module.__name__) == module.__name__
    }


@pytest.mark.parametrize("name", SUBMODULES)
def test_submodule_has_wsprotos_names_and_mostly_its_objects(name: str) -> None:
    theirs = importlib.import_module(f"wsproto.{name}")
    ours = importlib.import_module(f"wsdefrag.compat.wsproto.{name}")
    for known, value in public(theirs).items():
        assert known in ours.__all__
        assert (getattr(ours, known) is value) == (known not in OURS[name]), known


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (drop_in.Connection, wsproto.connection.Connection),
        (drop_in.WSConnection, wsproto.WSConnection),
        (drop_in.H11Handshake, wsproto.handshake.H11Handshake),
        (PerMessageDeflate, wsproto.extensions.PerMessageDeflate),
    ],
)
def test_class_of_ours_inherits_wsprotos(ours: type, theirs: type) -> None:
    assert ours is not theirs
    assert issubclass(ours, theirs)


def test_package_has_wsprotos_names_and_version() -> None:
    for name in ("Connection", "ConnectionState", "ConnectionType", "H11Handshake", "WSConnection"):
        assert name in drop_in.__all__
    assert drop_in.ConnectionState is ConnectionState
    assert drop_in.__version__ == wsproto.__version__


def test_without_wsproto_the_extra_is_named() -> None:
    code = "import sys; sys.modules['wsproto'] = None; import wsdefrag.compat.wsproto"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert "pip install 'wsdefrag[wsproto]'" in done.stderr


def test_native_module_needs_no_wsproto() -> None:
    code = "import sys, wsdefrag; sys.exit('wsproto' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], timeout=HANG_SECONDS, check=True)
