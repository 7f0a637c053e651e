"""The reading of one direction, beside other readers: time, memory and scale."""
