"""Blockers, which propose candidates for a client, and the index that they search."""
