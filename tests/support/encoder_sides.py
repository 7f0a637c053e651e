"""Encoders of both sides, and what the encoder tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wsdefrag import DeflateParams, FrameEncoder

if TYPE_CHECKING:
    pass


DEFLATE = DeflateParams()


HELLO = bytes.fromhex("f248cdc9c90700")


def server(**options: Any) -> FrameEncoder:
    return FrameEncoder(from_client=False, **options)


def client(**options: Any) -> FrameEncoder:
    return FrameEncoder(from_client=True, **options)
