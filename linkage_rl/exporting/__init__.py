"""Turns a training run into a bundle."""
