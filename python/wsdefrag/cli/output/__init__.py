"""Writes the lines of a command on standard output and standard error, and its files."""
