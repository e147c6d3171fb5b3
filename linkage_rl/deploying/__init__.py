"""Brings an image to a SageMaker endpoint: stack, releases, and what runs."""
