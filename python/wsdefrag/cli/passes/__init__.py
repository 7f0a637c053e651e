"""Passes over the input of a command: over captures, and over raw dumps."""
