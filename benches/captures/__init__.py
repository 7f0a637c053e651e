"""The reading of packet captures, beside tshark and mitmproxy."""
