"""Names the right company for every client of a list, or says that there is none."""
