"""Benchmarks of relays and encoders, compared with wsproto and mitmproxy."""
