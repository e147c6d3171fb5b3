"""Measures decisions, calibrates their confidence, and reports systems side by side."""
