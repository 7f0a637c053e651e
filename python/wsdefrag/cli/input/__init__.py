"""What a command reads: its arguments, and the bytes of a stream with their times."""
