"""Plays recorded connections again: ``Replay`` against a server, ``Mock`` for clients.

``recordings`` reads them from a capture, a flow file of mitmproxy or an HTTP archive. A side is
played with its timing kept, scaled, or as fast as possible. ``compare`` says how what the other
side sends differs from what it sent when it was recorded.
"""

from wsdefrag.replay.comparison import Row, compare
from wsdefrag.replay.mock import Mock
from wsdefrag.replay.played import Played
from wsdefrag.replay.recording import RecordedConnection, Turn, recordings
from wsdefrag.replay.replay import Replay

__all__ = [
    "Mock",
    "Played",
    "RecordedConnection",
    "Replay",
    "Row",
    "Turn",
    "compare",
    "recordings",
]
