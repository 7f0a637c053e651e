"""Run by every interpreter that ``python -m wsdefrag.compat.wsproto`` has started, at its start.

It stands in front of the ``sitecustomize`` that the interpreter may have of its own, which it runs
at its end. An interpreter of another environment, where there is no wsdefrag, says so only if it
has a wsproto.
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
    print(f"{sys.executable} has no wsdefrag: wsproto is left as it is", file=sys.stderr)

_own = PathFinder.find_spec("sitecustomize")
if _own is not None and _own.loader is not None:
    sys.modules["sitecustomize"] = module_from_spec(_own)
    _own.loader.exec_module(sys.modules["sitecustomize"])
