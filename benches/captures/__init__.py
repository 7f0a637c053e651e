"""Benchmarks of reading packet captures, compared with tshark and mitmproxy."""
