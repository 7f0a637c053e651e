"""What can be set with ``--set``, and what it comes to.

Sizes are written as mitmproxy's own are: a number of bytes, or one with ``k``, ``m``, ``g`` or
``t``. An option without a value (``--set wsdefrag_max_message_size=``) switches its limit off.
Changes apply to connections that are opened afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Optional, TypeVar

from mitmproxy import exceptions
from mitmproxy.utils import human

from wsdefrag.budget import Budget
from wsdefrag.limits import Limits

if TYPE_CHECKING:
    from mitmproxy.addonmanager import Loader
    from mitmproxy.options import Options

PREFIX = "wsdefrag_"

Forward = Literal["messages", "frames", "bytes"]
# Those of `Limits`.
_MESSAGE_SIZE = _FRAME_SIZE = "64m"

_V = TypeVar("_V")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Settings:
    """The options of a moment.

    Attributes:
        limits: What one direction may ask for.
        budget: What all connections together may buffer; None if there is no bound.
        retain: How many messages a flow keeps, the newest ones; None for all.
        forward: When bytes go on: ``"messages"`` once the hooks are over, or a mode of
            ``PassThroughRelay``.
    """

    limits: Limits = field(default_factory=Limits)
    budget: Budget | None = None
    retain: int | None = None
    forward: Forward = "messages"


def add_options(loader: Loader) -> None:
    """Make the options known to mitmproxy."""
    # mitmproxy compares with `Optional[...]`; a union of another spelling is not the same to it.
    size, count = Optional[str], Optional[int]  # noqa: UP045
    loader.add_option(
        "wsdefrag_max_message_size",
        size,
        _MESSAGE_SIZE,
        "Close WebSocket connections with a message of more bytes, inflated. Empty: no limit.",
    )
    loader.add_option(
        "wsdefrag_max_frame_size",
        size,
        _FRAME_SIZE,
        "Close WebSocket connections with a frame of more bytes. Empty: no limit.",
    )
    loader.add_option(
        "wsdefrag_max_fragments",
        count,
        Limits().max_fragments,
        "Close WebSocket connections with a message of more frames. Empty: no limit.",
    )
    loader.add_option(
        "wsdefrag_max_inflate_ratio",
        count,
        None,
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
        "it; frames, bytes: frame by frame, or as the bytes come, and then no hook can edit "
        "or drop a message.",
        ("messages", "frames", "bytes"),
    )


def settings(options: Options) -> Settings:
    """Read the options.

    Args:
        options: ``ctx.options``.

    Raises:
        mitmproxy.exceptions.OptionsError: If a value means nothing.
    """
    return Settings(
        limits=Limits(
            max_message_size=_read(options, "max_message_size", _message_size),
            max_frame_size=_read(options, "max_frame_size", _frame_size),
            max_fragments=_read(options, "max_fragments", _fragments),
            max_inflate_ratio=_read(options, "max_inflate_ratio", _inflate_ratio),
        ),
        budget=_read(options, "max_buffered", _budget),
        retain=_read(options, "retain", _retain),
        forward=options.wsdefrag_forward,
    )


def _read(options: Options, name: str, convert: Callable[[_V], _T]) -> _T:
    """Convert one option's value; name the option where that fails."""
    name = PREFIX + name
    try:
        return convert(getattr(options, name))
    except ValueError as error:
        raise exceptions.OptionsError(f"{name}: {error}") from error


def _size(value: str | None) -> int | None:
    return human.parse_size(value) if value else None


def _message_size(value: str | None) -> int | None:
    return Limits(max_message_size=_size(value)).max_message_size


def _frame_size(value: str | None) -> int | None:
    return Limits(max_frame_size=_size(value)).max_frame_size


def _fragments(value: int | None) -> int | None:
    return Limits(max_fragments=value).max_fragments


def _inflate_ratio(value: int | None) -> float | None:
    return Limits(max_inflate_ratio=value).max_inflate_ratio


def _budget(value: str | None) -> Budget | None:
    size = _size(value)
    return None if size is None else Budget(size)


def _retain(value: int | None) -> int | None:
    if value is not None and value < 1:
        raise ValueError("at least one message has to be kept, for the hooks")
    return value
