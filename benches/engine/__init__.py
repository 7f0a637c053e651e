"""Benchmarks of reading one direction, compared with other readers: time, memory and scale."""
