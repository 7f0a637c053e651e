"""Calls ``install`` when an interpreter starts under ``python -m wsdefrag.compat.wsproto``.

It hides a ``sitecustomize`` that the interpreter may have already, so it runs that one at its end.
The interpreter may belong to an environment without wsdefrag; if that has wsproto, a line on
standard error says that wsproto is not replaced.
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path

_here = str(Path(__file__).parent)
sys.path[:] = [entry for entry in sys.path if entry != _here]

if find_spec("wsdefrag") is not None:
    from wsdefrag.compat.wsproto import install

    install()
elif find_spec("wsproto") is not None:
    print(f"{sys.executable} has no wsdefrag: wsproto is not replaced", file=sys.stderr)

_own = PathFinder.find_spec("sitecustomize")
if _own is not None and _own.loader is not None:
    sys.modules["sitecustomize"] = module_from_spec(_own)
    _own.loader.exec_module(sys.modules["sitecustomize"])
