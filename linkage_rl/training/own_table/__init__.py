"""Learning without labels: clients drawn from the user's own table, in the likeness of a list."""
