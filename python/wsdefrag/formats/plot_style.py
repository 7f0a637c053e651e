"""The colours of plots."""

from __future__ import annotations

CLIENT, SERVER, BROKEN, GAP = "#2b6cb0", "#dd8a26", "#c53030", "#6b46c1"
INK, FAINT = "#2d3748", "#cbd5e0"
