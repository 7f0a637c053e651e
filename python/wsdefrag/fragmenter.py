"""Which fragments a message is sent in.

A program that passes messages on sends them in the fragments they came in, as long as it can: a
message whose length has changed has lost them. Where text is edited, a border may come to stand
inside a character. Receivers that decode fragment by fragment damage such characters, so the
border moves to the start of the character.

Follows RFC 6455 section 5.4, which leaves it to the sender where to cut.

Invariants: the sizes add up to the content's length; there is at least one; as many come out as
were kept.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wsdefrag import _native
from wsdefrag._arguments import require_bool, require_int

if TYPE_CHECKING:
    from typing_extensions import Buffer


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragmenter:
    """Chooses fragment sizes for ``FrameEncoder.message``.

    Args:
        max_size: Bytes of content in a fragment at most, where the sizes a message came in cannot
            be kept; None for one frame. A character that is larger has a fragment of its own.
            mitmproxy's value is 4000.
        cut_characters: Whether a fragment of a text may end inside a character.

    Raises:
        TypeError: If a value has the wrong type.
        ValueError: If ``max_size`` is below 1.

    Example:
        >>> from wsdefrag import Fragmenter, Opcode
        >>> fragmenter = Fragmenter(max_size=4)
        >>> fragmenter.sizes(Opcode.BINARY, b"HELLO", [3, 2])
        [3, 2]
        >>> fragmenter.sizes(Opcode.BINARY, b"hello again", [3, 2])
        [4, 4, 3]
        >>> fragmenter.sizes(Opcode.TEXT, "12 €".encode())
        [3, 3]
    """

    max_size: int | None = None
    cut_characters: bool = False

    def __post_init__(self) -> None:
        """Refuse values that mean nothing."""
        if self.max_size is not None and require_int("max_size", self.max_size) < 1:
            raise ValueError(f"max_size must be at least 1, not {self.max_size}")
        require_bool("cut_characters", self.cut_characters)

    def sizes(self, type: int, content: Buffer, fragments: Sequence[int] = ()) -> list[int]:
        """Choose the sizes of a message's fragments.

        Args:
            type: ``Opcode.TEXT`` or ``Opcode.BINARY``.
            content: The message's content, which is neither changed nor kept.
            fragments: The sizes it came in, in bytes of content; nothing if there are none.

        Returns:
            Bytes of content in each fragment: ``fragments`` where they add up to the content, with
            borders moved that would cut a character; otherwise one size, or as many as
            ``max_size`` asks for.

        Raises:
            TypeError: If an argument has the wrong type.
            ValueError: If ``type`` is not an opcode, or a size is negative.
        """
        max_size = self.max_size
        return _native.fragment_sizes(
            type,
            content,
            fragments,
            max_size=None if max_size is None else min(max_size, sys.maxsize),
            cut_characters=self.cut_characters,
        )
