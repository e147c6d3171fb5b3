"""Gymnasium environments over the decision process."""
