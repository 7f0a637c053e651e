"""Opens the inputs of a command and reads the bytes of raw dumps."""
