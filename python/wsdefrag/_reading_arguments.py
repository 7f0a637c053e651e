"""The arguments that all readers of one direction have."""

from __future__ import annotations

import wsdefrag.events  # noqa: F401  (the native module makes events, and imports nothing)
from wsdefrag._arguments import require_bool, require_optional
from wsdefrag.deflate import DeflateParams
from wsdefrag.limits import Limits
from wsdefrag.strictness import Strictness


def reading_rules(
    *,
    from_client: bool,
    deflate: DeflateParams | None,
    limits: Limits | None,
    strictness: Strictness | None,
) -> tuple[Limits, Strictness]:
    """Return the limits and the rules of a direction, the defaults for None.

    Raises TypeError if an argument has the wrong type.
    """
    require_bool("from_client", from_client)
    require_optional("deflate", deflate, DeflateParams)
    require_optional("limits", limits, Limits)
    require_optional("strictness", strictness, Strictness)
    return limits or Limits(), strictness or Strictness()
