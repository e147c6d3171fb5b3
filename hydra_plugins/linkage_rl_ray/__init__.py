"""Runs of a sweep as tasks of a Ray cluster, for Hydra, which looks for its plugins here."""
