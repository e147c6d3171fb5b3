"""Learning without labels: clients are drawn from the user's own table, in the likeness of a list."""
