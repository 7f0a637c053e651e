"""The modules of record_streams.py: peers that talk, a relay that records, and conversations.

Each module uses only modules below it:

    record_streams  runs the conversations, writes the files
    conversations   which client talks to which server, and what they send
    *_peer          one module for each library: its endpoint, its client, its server
    libssl          OpenSSL by ctypes, for `openssl_peer`
    endpoint        the interface that all peers share, and the acts that they perform
    relay           copies TCP and records what it copied; it knows where the HTTP heads end

The loader in `tests/support` reads the files back; this package puts its directory on the path.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "support"))
