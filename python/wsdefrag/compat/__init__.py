"""Ways into programs and libraries that have a WebSocket engine of their own."""
