"""What stands in the middle of connections and what sends, beside wsproto and mitmproxy."""
