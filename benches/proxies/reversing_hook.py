"""A hook for `wsdefrag proxy --script` that edits each message; twice is as not at all."""

from wsdefrag.message import WebSocketMessage


def on_message(message: WebSocketMessage, connection: object) -> None:
    message.content = message.content[::-1]
