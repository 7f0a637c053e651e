"""The options of the addon (mitmproxy's ``--set``), and ``Settings``, their values.

Sizes are numbers of bytes, or numbers with ``k``, ``m``, ``g`` or ``t``, as for mitmproxy's own
options. An empty value (``--set wsdefrag_max_message_size=``) means no limit. Changes apply only to
connections that are opened afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Literal, Optional, TypeVar

from mitmproxy import exceptions
from mitmproxy.utils import human

from wsdefrag.budget import Budget
from wsdefrag.limits import Limits
from wsdefrag.strictness import Strictness

if TYPE_CHECKING:
    from mitmproxy.addonmanager import Loader
    from mitmproxy.options import Options

PREFIX = "wsdefrag_"
# What is tolerated by default needs no switch.
_SWITCHES = tuple(one.name for one in fields(Strictness) if getattr(Strictness(), one.name))

Forward = Literal["messages", "frames", "bytes"]
# The defaults of `Limits`.
_MESSAGE_SIZE = _FRAME_SIZE = "64m"

_V = TypeVar("_V")
_T = TypeVar("_T")


@dataclass(frozen=True)
class Settings:
    """The values of the options.

    Attributes:
        limits: The limits for each direction.
        budget: How many bytes all connections together may buffer; None for no limit.
        retain: How many messages a flow keeps, the newest ones; None for all.
        retain_seconds: How long a flow keeps a message; None for as long as the flow.
        strictness: Which rules are enforced.
        forward: When bytes are forwarded: ``"messages"`` after the hooks, or a mode of
            ``PassThroughRelay``.
    """

    limits: Limits = field(default_factory=Limits)
    budget: Budget | None = None
    retain: int | None = None
    retain_seconds: int | None = None
    strictness: Strictness = field(default_factory=Strictness)
    forward: Forward = "messages"


def add_options(loader: Loader) -> None:
    """Add the options to mitmproxy."""
    # mitmproxy compares types with `Optional[...]` and does not recognise `str | None`.
    size, count = Optional[str], Optional[int]  # noqa: UP045
    loader.add_option(
        "wsdefrag_max_message_size",
        size,
        _MESSAGE_SIZE,
        "Maximum bytes of a WebSocket message, inflated. A longer one closes the connection. "
        "Empty: no limit.",
    )
    loader.add_option(
        "wsdefrag_max_frame_size",
        size,
        _FRAME_SIZE,
        "Maximum bytes of a WebSocket frame. A longer one closes the connection. Empty: no limit.",
    )
    loader.add_option(
        "wsdefrag_max_fragments",
        count,
        Limits().max_fragments,
        "Maximum frames of a WebSocket message. More close the connection. Empty: no limit.",
    )
    loader.add_option(
        "wsdefrag_max_inflate_ratio",
        count,
        None,
        "Maximum ratio of the inflated size of a WebSocket message to its compressed size. A "
        "higher one closes the connection. Empty: no limit.",
    )
    loader.add_option(
        "wsdefrag_max_buffered",
        size,
        None,
        "Maximum bytes of incomplete messages of all WebSocket connections together. Empty: no "
        "limit.",
    )
    loader.add_option(
        "wsdefrag_retain",
        count,
        None,
        "How many messages of a WebSocket connection to keep, the newest ones; a saved flow has "
        "only these. Empty: all.",
    )
    loader.add_option(
        "wsdefrag_retain_seconds",
        count,
        None,
        "How many seconds to keep a message of a WebSocket connection; older ones are dropped when "
        "the next one arrives. Empty: for ever.",
    )
    loader.add_option(
        "wsdefrag_tolerate",
        Sequence[str],
        [],
        "Rules that a WebSocket peer may break: "
        f"{', '.join(_SWITCHES)}. Breaches are counted in the log.",
    )
    loader.add_option(
        "wsdefrag_forward",
        str,
        "messages",
        "When WebSocket data is forwarded. messages: each message after its hooks. frames: each "
        "frame when it is complete. bytes: all bytes as they arrive. With frames and bytes, hooks "
        "cannot edit or drop messages, and a message over a limit is forwarded without a hook.",
        ("messages", "frames", "bytes"),
    )


def settings(options: Options) -> Settings:
    """Read the options.

    Args:
        options: ``ctx.options``.

    Raises:
        mitmproxy.exceptions.OptionsError: If a value is invalid.
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
        retain_seconds=_read(options, "retain_seconds", _retain_seconds),
        strictness=_read(options, "tolerate", _strictness),
        forward=options.wsdefrag_forward,
    )


def _read(options: Options, name: str, convert: Callable[[_V], _T]) -> _T:
    """Convert the value of an option; an error names the option."""
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
        raise ValueError("must be at least 1, because hooks read the newest message")
    return value


def _retain_seconds(value: int | None) -> int | None:
    if value is not None and value < 1:
        raise ValueError("must be at least 1")
    return value


def _strictness(names: Sequence[str]) -> Strictness:
    unknown = [name for name in names if name not in _SWITCHES]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(_SWITCHES)}")
    return Strictness(**dict.fromkeys(names, False))
