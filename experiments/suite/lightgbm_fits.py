"""Fits LightGBM to a few pairs and scores others; its environment has LightGBM and numpy only.

Usage: python lightgbm_fits.py FOLDER, where FOLDER holds learned.npy with one row of features per
pair, learned.right.npy, scored-*.npy, and settings.json, LightGBM's own parameters; writes
scored-*.score.npy. Without valid labels there is no early stopping.
"""

import json
import sys
from pathlib import Path

import lightgbm
import numpy as np


def main(folder: Path) -> None:
    """Train for the given number of iterations, then score."""
    settings = json.loads((folder / "settings.json").read_text())
    rounds = settings.pop("num_iterations")
    learned = lightgbm.Dataset(
        np.load(folder / "learned.npy"), np.load(folder / "learned.right.npy")
    )
    model = lightgbm.train(settings, learned, rounds)
    for path in folder.glob("scored-*.npy"):
        scores = model.predict(np.load(path))
        np.save(path.with_suffix(".score.npy"), np.asarray(scores, dtype=np.float32))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
