"""Policies: hand-written rules, the supervised ranker, and agents that learn by reward."""
