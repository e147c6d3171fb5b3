"""Blockers that propose candidates for a client, and the index they search."""
