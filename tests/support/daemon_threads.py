"""A program that ends while its daemon threads work inside the package."""

from __future__ import annotations

_THREADS = """
def thread():
    try:
        work()
        started.release()
        while True:
            work()
    except BaseException:
        traceback.print_exc()
        os._exit(3)

sys.setswitchinterval(1e-6)
for _ in range({threads}):
    threading.Thread(target=thread, daemon=True).start()
for _ in range({threads}):
    started.acquire()
"""


def ending_program(setup: str, work: str, threads: int) -> str:
    """The code of the program.

    ``setup`` is run first, and ``work`` defines the function ``work``. The program ends once each
    thread has called it, while all go on to call it, and prints nothing. If ``work`` raises, the
    program prints why and ends with 3.
    """
    modules = "import os, sys, threading, traceback\nstarted = threading.Semaphore(0)\n"
    return "\n".join((modules, setup, work, _THREADS.format(threads=threads)))
