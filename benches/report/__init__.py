"""Turns the measured numbers into RESULTS.md, RESULTS.json and the charts."""
