"""Turns a trained scorer into an ONNX graph, and a bundle into an archive."""
