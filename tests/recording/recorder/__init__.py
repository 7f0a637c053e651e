"""What record_streams.py is made of: peers that talk, a relay that notes, conversations to have.

An arrow only ever points down:

    record_streams  has the conversations, writes the files
    conversations   who talks to whom about what
    *_peer          one module per library: its endpoint, its client, its server
    libssl          OpenSSL by ctypes, for `openssl_peer`
    endpoint        the face all peers share, and the acts they perform
    relay           copies TCP and notes what it copied; knows of WebSocket only where HTTP ends

The loader in `tests/support` reads back what was written; it is put on the path here.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "support"))
