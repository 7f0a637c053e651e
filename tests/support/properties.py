"""How many examples a property is tried with."""

from __future__ import annotations

from hypothesis import settings

_ONE = 100
"""What a profile's number of examples is compared with; hypothesis' own default."""


def examples(count: int) -> settings:
    """Ten times so many by night, and six tenths by day, when the same are tried each time."""
    profile = settings.get_profile(settings.get_current_profile_name())
    return settings(max_examples=count * profile.max_examples // _ONE)
