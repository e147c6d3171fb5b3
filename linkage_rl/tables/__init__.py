"""Company tables and client lists: reads, stores, generates, corrupts and splits them."""
