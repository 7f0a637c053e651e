"""Replacements for the WebSocket code of other software: wsproto and mitmproxy."""
