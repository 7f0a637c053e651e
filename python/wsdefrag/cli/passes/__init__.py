"""Reads the input of a command once: captures or raw dumps."""
