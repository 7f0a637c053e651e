"""``Decisions``: calls the hook ``on_message`` for the messages of one direction, in order.

A hook that returns at once costs a call. When it returns something to be awaited, a task waits for
it; the events after it wait in order, because a decision on an event discards the earlier ones
(``wsdefrag.relay``). The task ends when no event is left.
"""

from __future__ import annotations

import asyncio
from collections import deque
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Protocol

from wsdefrag.message import WebSocketMessage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from wsdefrag.events import Event


class Decider(Protocol):
    """What the decisions are for."""

    is_over: bool
    """Whether both sides got a Close; then the hook is not called any more."""

    def pass_on(self, event: Event, from_client: bool) -> None:
        """The event was decided on."""

    def pass_message_on(self, message: WebSocketMessage, from_client: bool) -> None:
        """The message was decided on."""

    def decisions_wait(self, from_client: bool) -> None:
        """A task waits for a decision."""

    def decisions_made(self, from_client: bool) -> None:
        """Some events that had waited were decided on; maybe all."""

    def hook_failed(self, name: str) -> None:
        """The hook raised the exception that is being handled."""


class Decisions:
    """The decisions on the events of one direction.

    Args:
        decider: What learns of them.
        hook: Called with each message and the connection; what it returns is awaited if it can be.
        connection: The connection.
        from_client: The direction.

    Attributes:
        task: The task that waits for a hook, or None.
    """

    __slots__ = ("_connection", "_decider", "_from_client", "_hook", "_waiting", "task")

    def __init__(
        self,
        decider: Decider,
        hook: Callable[[WebSocketMessage, Any], Awaitable[Any] | None],
        connection: object,
        *,
        from_client: bool,
    ) -> None:
        self._decider = decider
        self._hook = hook
        self._connection = connection
        self._from_client = from_client
        self._waiting: deque[Event] = deque()
        self.task: asyncio.Task[None] | None = None

    def decide(self, events: Iterable[Event]) -> None:
        """Decide on events, now or in a task."""
        decider, from_client = self._decider, self._from_client
        if decider.is_over:
            for event in events:
                decider.pass_on(event, from_client)
            return
        if self.task is not None:
            self._waiting.extend(events)
            decider.decisions_wait(from_client)
            return
        events = iter(events)
        for event in events:
            # As `_asked`, without its call for each message.
            if not isinstance(event, WebSocketMessage):
                decider.pass_on(event, from_client)
                continue
            try:
                pending = self._hook(event, self._connection)
            except Exception:
                decider.hook_failed("on_message")
                continue
            if pending is None or not isawaitable(pending):
                decider.pass_message_on(event, from_client)
                continue
            self._waiting.extend(events)
            self.task = asyncio.get_running_loop().create_task(self._wait(event, pending))
            self.task.add_done_callback(self._ended)
            decider.decisions_wait(from_client)
            return

    def _asked(self, event: Event) -> Awaitable[Any] | None:
        """Ask the hook about an event; pass it on unless there is something to be awaited."""
        if isinstance(event, WebSocketMessage):
            try:
                result = self._hook(event, self._connection)
            except Exception:
                self._decider.hook_failed("on_message")
                return None
            if result is not None and isawaitable(result):
                return result
        self._decider.pass_on(event, self._from_client)
        return None

    async def _wait(self, event: Event, pending: Awaitable[Any] | None) -> None:
        try:
            while True:
                if pending is not None:
                    try:
                        await pending
                    except Exception:
                        self._decider.hook_failed("on_message")
                    else:
                        self._decider.pass_on(event, self._from_client)
                    self._decider.decisions_made(self._from_client)
                if not self._waiting:
                    break
                event = self._waiting.popleft()
                pending = self._asked(event)
        finally:
            self._end()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A task that is cancelled before its first step does nothing by itself."""
        if self.task is task:
            self._end()

    def _end(self) -> None:
        self._waiting.clear()
        self.task = None
        self._decider.decisions_made(self._from_client)
