"""Where Hydra ends: it composes the configuration, and frozen dataclasses go on from there."""
