"""``Fragmenter``: chooses the sizes of the fragments of a message.

A program that forwards a message keeps the sizes of its fragments if the length of the message has
not changed. After an edit of a text, the end of a fragment may be inside a character. Receivers
that decode fragment by fragment would damage this character, so the end is moved to the start of
the character.

Follows RFC 6455 section 5.4, which leaves the sizes to the sender.

Invariants: the sizes add up to the length of the content; there is at least one size; if the sizes
are kept, their number does not change.
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
        max_size: The most bytes of content in a fragment, if the received sizes cannot be kept;
            None for one frame. A larger character has a fragment of its own. mitmproxy uses 4000.
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
        """Check the values."""
        if self.max_size is not None and require_int("max_size", self.max_size) < 1:
            raise ValueError(f"max_size must be at least 1, not {self.max_size}")
        require_bool("cut_characters", self.cut_characters)

    def sizes(self, type: int, content: Buffer, fragments: Sequence[int] = ()) -> list[int]:
        """Choose the sizes of the fragments of a message.

        Args:
            type: ``Opcode.TEXT`` or ``Opcode.BINARY``.
            content: The content of the message; it is not changed, and no reference is kept.
            fragments: The sizes of the received fragments, in bytes of content; may be empty.

        Returns:
            Bytes of content in each fragment. If ``fragments`` add up to the length of the content,
            these sizes, adjusted so that no character is divided. Otherwise one size, or as many as
            ``max_size`` needs.

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
