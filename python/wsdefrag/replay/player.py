"""``Player``: sends one side of a recorded connection, and waits for the other side at its turns.

    next turn -> wait for its time -> wait for what came before it -> send

With ``in_turn`` a turn waits until the other side has sent as many messages as it had sent before
that turn when it was recorded. A Close always waits for that, because the other side sends nothing
after it has answered it. What does not come within ``patience`` is not waited for any longer.

After the last turn it waits for the rest of what was recorded, and for the end.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from wsdefrag.replay.comparison import compare, whole
from wsdefrag.replay.played import Played

if TYPE_CHECKING:
    from wsdefrag.replay.comparison import Key
    from wsdefrag.replay.endpoint import Endpoint
    from wsdefrag.replay.recording import RecordedConnection, Turn

_NS = 1_000_000_000

# After so many turns other connections and the sockets get their time.
_TURNS_AT_ONCE = 64


class Player:
    """Plays one side of a connection once.

    Args:
        recorded: The connection.
        from_client: Whether the client is played.
        speed: How many times faster than recorded; None for as fast as possible.
        in_turn: Whether each turn waits for the messages before it.
        patience: Seconds of silence after which nothing is waited for any longer; None for ever.
        close_timeout: Seconds for the end after a Close; None for ever.
        leaves: Whether it sends a Close of its own after the last turn, if none was recorded.
        key: What is compared of a turn.
    """

    def __init__(
        self,
        recorded: RecordedConnection,
        *,
        from_client: bool,
        speed: float | None,
        in_turn: bool,
        patience: float | None,
        close_timeout: float | None,
        leaves: bool,
        key: Key = whole,
    ) -> None:
        self._speed, self._in_turn, self._patience = speed, in_turn, patience
        self._close_timeout, self._leaves, self._key = close_timeout, leaves, key
        self._from_client = from_client
        self._turns = recorded.seen_by(from_client=from_client)
        self._origin_ns = recorded.captured.started_ns
        self._start = 0.0
        closes = [one for one in self._turns if one.kind == "close"]
        self.own_close = next((one for one in closes if one.from_client is from_client), None)
        self.expected = [
            turn
            for turn in self._turns
            if turn.from_client is not from_client and turn.kind != "ping"
        ]
        self.played = Played(recorded)
        self.played.gaps = sum(turn.kind == "gap" for turn in recorded.turns)

    async def play(self, endpoint: Endpoint) -> None:
        """Play the turns, from an open WebSocket to its end."""
        self._start = asyncio.get_running_loop().time()
        awaited = 0
        for number, turn in enumerate(self._turns):
            if turn.from_client is not self._from_client:
                awaited += turn.kind in ("message", "close")
                continue
            if turn.kind == "gap":
                continue
            await self._wait_for_time(endpoint, turn)
            if self._in_turn or turn.kind == "close":
                await self._wait_for(endpoint, awaited)
            self._send(endpoint, turn)
            await endpoint.drain()
            if number % _TURNS_AT_ONCE == 0:
                await asyncio.sleep(0)
        await self._finish(endpoint, awaited)

    def judge(self, endpoint: Endpoint, before: list[Turn], answered: list[Turn]) -> Played:
        """Compare what came with what was recorded.

        Args:
            endpoint: The endpoint, which may have failed.
            before: What was recorded before the first turn.
            answered: What came before it.
        """
        recorded = [*before, *self.expected]
        received = answered + endpoint.received
        if not any(turn.kind == "close" for turn in recorded):
            # A Close that only answers ours, or one of a connection whose end is not known.
            end_is_known = any(turn.kind == "close" for turn in self._turns)
            if not (endpoint.was_closed and end_is_known):
                received = [turn for turn in received if turn.kind != "close"]
        self.played.rows = compare(recorded, received, key=self._key)
        self.played.error = self.played.error or endpoint.error
        return self.played

    def give_up(self, error: str | None) -> None:
        """Count all as unsent, because the handshake has failed."""
        self.played.error = error
        for turn in self._turns:
            if turn.from_client is self._from_client and turn.kind == "message":
                self.played.unsent["connection ended" if turn.is_known else turn.status] += 1

    def _send(self, endpoint: Endpoint, turn: Turn) -> None:
        if turn.kind == "message" and not turn.is_known:
            self.played.unsent[turn.status] += 1
        elif turn.kind == "close":
            endpoint.send_close(turn)
        elif not endpoint.can_send:
            if turn.kind == "message":
                self.played.unsent["connection ended"] += 1
        else:
            endpoint.send(turn)
            self.played.sent += turn.kind == "message"

    async def _wait_for_time(self, endpoint: Endpoint, turn: Turn) -> None:
        if self._speed is None:
            return
        left = self._due(turn) - asyncio.get_running_loop().time()
        if left > 0:
            await endpoint.until(lambda: not endpoint.can_send, left)

    def _due(self, turn: Turn) -> float:
        assert self._speed is not None
        return self._start + max(turn.timestamp_ns - self._origin_ns, 0) / _NS / self._speed

    async def _wait_for(self, endpoint: Endpoint, count: int) -> None:
        """Wait for so many turns of the other side, or for its silence."""
        while len(endpoint.received) < count and not endpoint.has_ended:
            more = partial(_has_more_than, endpoint, len(endpoint.received))
            if not await endpoint.until(more, self._patience):
                return
        if self._in_turn and self._speed is not None and 0 < count <= len(self.expected):
            # Later turns keep their distance from the one that came late.
            late = asyncio.get_running_loop().time() - self._due(self.expected[count - 1])
            self._start += max(late, 0)

    async def _finish(self, endpoint: Endpoint, awaited: int) -> None:
        if self._speed is not None and self._turns and self._leaves:
            # What was recorded last may be due long after the last turn of this side.
            left = self._due(self._turns[-1]) - asyncio.get_running_loop().time()
            await endpoint.until(lambda: len(endpoint.received) >= awaited, max(left, 0))
        await self._wait_for(endpoint, awaited)
        if self._leaves:
            endpoint.close()
        timeout = self._close_timeout if not endpoint.can_send else None
        if not await endpoint.until(lambda: False, timeout) and not endpoint.has_ended:
            endpoint.fail("the other side did not end the connection in time")


def _has_more_than(endpoint: Endpoint, count: int) -> bool:
    return len(endpoint.received) > count
