"""How many examples a property is tried with."""

from __future__ import annotations

from hypothesis import settings

_BY_DAY = 100
"""The examples of a property that says nothing; hypothesis' own default."""


def examples(count: int) -> settings:
    """So many by day, and more by night, as the profile says."""
    profile = settings.get_profile(settings.get_current_profile_name())
    return settings(max_examples=count * profile.max_examples // _BY_DAY)
