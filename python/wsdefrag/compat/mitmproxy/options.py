"""What can be set with ``--set``, and what it comes to.

Sizes are written as mitmproxy's own are: a number of bytes, or one with ``k``, ``m``, ``g`` or ``t``.
An option without a value (``--set wsdefrag_max_message_size=``) switches its limit off. Changes
apply to connections that are opened afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Optional, TypeVar, cast

from mitmproxy import exceptions
from mitmproxy.utils import human

from wsdefrag.budget import Budget
from wsdefrag.limits import Limits

PREFIX = "wsdefrag_"

Forward = Literal["messages", "frames", "cut-through"]
_T = TypeVar("_T")


@dataclass(frozen=True)
class Settings:
    """The options of a moment.

    Attributes:
        limits: What one direction may ask for.
        budget: What all connections together may buffer; None if there is no bound.
        retain: How many messages a flow keeps, the newest ones; None for all.
        forward: When bytes go on, a mode of ``WebSocketRelay``.
    """

    limits: Limits = Limits()
    budget: Budget | None = None
    retain: int | None = None
    forward: Forward = "messages"


def add_options(loader: Any) -> None:
    """Make the options known to mitmproxy."""
    limits = Limits()
    # mitmproxy compares with `Optional[...]`; a union of another spelling is not the same to it.
    size, count = Optional[str], Optional[int]  # noqa: UP045
    loader.add_option(
        "wsdefrag_max_message_size",
        size,
        human.pretty_size(_known(limits.max_message_size)).replace(".0", ""),
        "Close WebSocket connections with a message of more bytes after inflating. Empty: no limit.",
    )
    loader.add_option(
        "wsdefrag_max_frame_size",
        size,
        human.pretty_size(_known(limits.max_frame_size)).replace(".0", ""),
        "Close WebSocket connections with a frame of more bytes. Empty: no limit.",
    )
    loader.add_option(
        "wsdefrag_max_fragments",
        count,
        limits.max_fragments,
        "Close WebSocket connections with a message of more frames. Empty: no limit.",
    )
    loader.add_option(
        "wsdefrag_max_inflate_ratio",
        count,
        limits.max_inflate_ratio,
        "Close WebSocket connections with a message that inflates to more than so many times its "
        "size. Empty: no limit.",
    )
    loader.add_option(
        "wsdefrag_max_buffered",
        size,
        None,
        "Bytes of unfinished messages that all WebSocket connections together may take. Empty: no "
        "limit.",
    )
    loader.add_option(
        "wsdefrag_retain",
        count,
        None,
        "Keep only so many messages of a WebSocket connection, the newest ones; the flow file gets "
        "no others. Empty: keep all.",
    )
    loader.add_option(
        "wsdefrag_forward",
        str,
        "messages",
        "When WebSocket bytes go on. messages: when a message is complete and the hooks have seen "
        "it; frames, cut-through: frame by frame, or as the bytes come, and then no hook can edit "
        "or drop a message.",
        ("messages", "frames", "cut-through"),
    )


def settings(options: Any) -> Settings:
    """Read the options.

    Args:
        options: ``ctx.options``.

    Raises:
        mitmproxy.exceptions.OptionsError: If a value means nothing.
    """
    maximum = _checked("wsdefrag_max_buffered", options.wsdefrag_max_buffered, _size)
    return Settings(
        limits=Limits(
            max_message_size=_limit("max_message_size", options, _size),
            max_frame_size=_limit("max_frame_size", options, _size),
            max_fragments=_limit("max_fragments", options, _same),
            max_inflate_ratio=_limit("max_inflate_ratio", options, _same),
        ),
        budget=None
        if maximum is None
        else _checked("wsdefrag_max_buffered", maximum, lambda value: Budget(value)),
        retain=_checked("wsdefrag_retain", options.wsdefrag_retain, _retain),
        forward=cast("Forward", options.wsdefrag_forward),
    )


def _known(value: int | None) -> int:
    assert value is not None
    return value


def _size(value: str | None) -> int | None:
    return human.parse_size(value) if value else None


def _same(value: int | None) -> int | None:
    return value


def _retain(value: int | None) -> int | None:
    if value is not None and value < 1:
        raise ValueError("at least one message has to be kept, for the hooks")
    return value


def _limit(name: str, options: Any, convert: Callable[[Any], int | None]) -> int | None:
    def checked(value: Any) -> int | None:
        converted = convert(value)
        Limits(**{name: converted})
        return converted

    return _checked(PREFIX + name, getattr(options, PREFIX + name), checked)


def _checked(name: str, value: Any, convert: Callable[[Any], _T]) -> _T:
    try:
        return convert(value)
    except ValueError as error:
        raise exceptions.OptionsError(f"{name}: {error}") from error
