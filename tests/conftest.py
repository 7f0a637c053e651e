"""What all tests share: one hypothesis profile, and interrupts that interrupt.

The examples are the same in every run and no example has a deadline, so a slow or busy machine
changes nothing about what passes. A shell starts background jobs with SIGINT ignored, and so would
be whatever the tests start; here it never is.
"""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    # Building a stream costs more than the checks under it; that is no sign of a bad strategy.
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")

signal.signal(signal.SIGINT, signal.default_int_handler)
