"""What a command writes: lines on standard output and standard error, and files."""
