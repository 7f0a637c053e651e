"""A script that makes wsdefrag impossible to import."""

import sys

sys.modules["wsdefrag"] = None  # type: ignore[assignment]
