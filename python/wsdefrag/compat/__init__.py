"""Interfaces of other packages, with this engine below them."""
