"""Compares a connection of wsproto with one of the replacement, as a program sees them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import wsproto.connection as theirs
from wsproto.connection import ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.extensions import Extension
from wsproto.utilities import LocalProtocolError

import wsdefrag.compat.wsproto.connection as ours
from wire_writer import read_frames
from wsdefrag import DeflateParams
from wsdefrag.compat.wsproto.extensions import PerMessageDeflate

Connection = theirs.Connection
Seen = tuple[Any, ...]

CLASSES: dict[str, type[Connection]] = {"ours": ours.Connection, "theirs": theirs.Connection}


def extensions(deflate: DeflateParams | None) -> list[Extension]:
    """What a connection is made with where this was agreed on: new instances.

    The class is the drop-in's for both. wsproto asks it about every frame, and so can read control
    frames inside compressed messages, of which its own class makes something else.
    """
    if deflate is None:
        return []
    extension = PerMessageDeflate(
        client_no_context_takeover=deflate.client_no_context_takeover,
        client_max_window_bits=deflate.client_max_window_bits,
        server_no_context_takeover=deflate.server_no_context_takeover,
        server_max_window_bits=deflate.server_max_window_bits,
    )
    extension.finalize(extension.name)
    return [extension]


def pair(from_client: bool, deflate: DeflateParams | None) -> list[Connection]:
    """The drop-in's receiver of this direction, and wsproto's."""
    side = ConnectionType.SERVER if from_client else ConnectionType.CLIENT
    return [made(side, extensions(deflate)) for made in CLASSES.values()]


def seen(event: Event) -> Seen:
    """All fields of an event, with their classes."""
    values = [getattr(event, one.name) for one in dataclasses.fields(event)]  # type: ignore[arg-type]
    return (type(event), *((type(value), value) for value in values))


def calm(wire: bytes) -> object:
    """What was written, without the masks, which are random."""
    frames, rest = read_frames(wire)
    return [(one.first, one.form, one.payload) for one in frames], rest


def answers(connection: Connection, event: Event) -> object:
    """What the usual answer to an event is written as, or the exception it raises."""
    if not isinstance(event, (Ping, CloseConnection)):
        return None
    try:
        return calm(connection.send(event.response()))
    except (LocalProtocolError, TypeError) as error:
        return type(error), str(error)


def fed(connection: Connection, chunks: Iterable[bytes], answer: bool) -> Iterator[object]:
    """All that can be seen while the chunks are fed and their events iterated."""
    for chunk in chunks:
        try:
            connection.receive_data(chunk)
        except LocalProtocolError as error:
            yield str(error)
        for event in connection.events():
            yield seen(event), connection.state
            if answer:
                yield answers(connection, event), connection.state
    yield connection.state


def messages(connection: Connection, *chunks: bytes) -> list[object]:
    """The messages put together, and all other events, of chunks fed one by one."""
    found: list[object] = []
    parts: list[Any] = []
    for chunk in chunks:
        connection.receive_data(chunk)
        for event in connection.events():
            if not isinstance(event, (TextMessage, BytesMessage)):
                found.append(event)
                continue
            parts.append(event.data)
            if event.message_finished:
                found.append(type(parts[0])().join(parts))
                parts.clear()
    return found
