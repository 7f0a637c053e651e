"""Whether CPython was built without a GIL, and what tests cannot see there.

All objects are then from the allocator mimalloc (CPython's `Doc/c-api/memory.rst`), which reserves
address space in parts of 1 GiB and keeps what was freed for what comes next.
"""

from __future__ import annotations

import sysconfig

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))

KEEPS_MEMORY = (
    "mimalloc keeps freed objects' memory: with a GIL and PYTHONMALLOC=mimalloc it is as much"
)
"""Why a bound of resident memory, or of address space, is not tried without a GIL."""
