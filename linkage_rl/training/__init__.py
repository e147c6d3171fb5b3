"""Trains ranker and agents, and watches over them."""
