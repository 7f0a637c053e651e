"""The types of wsproto's interface, which are its own."""

from wsproto.typing import (
    Headers,
)

__all__ = [
    "Headers",
]
