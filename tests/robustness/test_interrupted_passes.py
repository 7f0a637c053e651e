"""An exception comes while a capture is iterated over, anywhere in the package's Python code."""

from __future__ import annotations

from child_process import child
from interpreter_programs import INTERRUPTED, USE

PROGRAM = """
expected = [repr(item) for item in Capture(DATA).read()]
for nth in range(1000):
    reader = Capture(DATA).read()
    items = []
    failed = False
    sys.settrace(interrupting(nth))
    try:
        items.extend(reader)
    except Interrupt:
        failed = True
    finally:
        sys.settrace(None)
    items.extend(reader)
    found = [repr(item) for item in items]
    assert found == expected, (nth, len(found), len(expected))
    if not failed:
        break
else:
    raise AssertionError("every instruction failed")
assert nth > 0
print("done")
"""


def test_interrupt_at_any_instruction_loses_no_item() -> None:
    """The n-th instruction of the package's Python code fails, for every n that there is."""
    assert child(USE + INTERRUPTED + PROGRAM) == (0, "done\n", "")
