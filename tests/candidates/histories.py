"""Random histories of a table that changes between and during refreshes.

`python -m tests.candidates.histories 10000` runs that many and reports how long they took.
"""
