"""The types of ``wsproto.typing``, unchanged."""

from wsproto.typing import (
    Headers,
)

__all__ = [
    "Headers",
]
