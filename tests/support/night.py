"""Whether the tests have the time of a night."""

from __future__ import annotations

import os

NIGHT = "WSDEFRAG_SALT" in os.environ
"""Whether `make test-random` runs them: then every place is tried, by day some of them."""
