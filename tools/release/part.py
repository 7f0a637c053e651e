"""A part of the check, and how it says that something does not hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


class Failed(Exception):
    """Something does not hold. The text says what, and what to do."""


class Missing(Failed):
    """Something that only a release needs is not there yet; a rehearsal names it and goes on."""


@dataclass
class Release:
    """What is checked.

    Attributes:
        root: The checkout.
        work: A directory for everything that is built.
        wheels: The wheels that are looked at; the part `wheels` fills it.
        sdists: The sdists, likewise, of the part `sdist`.
        tag: The tag that is released, such as ``v1.2.3``; None if there is none yet.
        interpreters: Versions of CPython to build for, such as ``3.13``; all without any.
    """

    root: Path
    work: Path
    wheels: list[Path] = field(default_factory=list)
    sdists: list[Path] = field(default_factory=list)
    tag: str | None = None
    interpreters: tuple[str, ...] = ()

    def needed_wheels(self) -> list[Path]:
        """The wheels.

        Raises:
            Failed: If there are none.
        """
        if not self.wheels:
            raise Failed(f"no wheel: run the part `wheels`, or make one in {self.work / 'dist'}")
        return self.wheels


@dataclass(frozen=True)
class Part:
    """A part of the check.

    Attributes:
        name: What the command line calls it.
        holds: What holds after it, in one line.
        check: Gives a line for the table.

            Raises ``Failed`` if something does not hold.
        slow: Whether it builds something.
    """

    name: str
    holds: str
    check: Callable[[Release], str]
    slow: bool = False
