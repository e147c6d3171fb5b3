"""Fits LightGBM to pairs and scores others; its environment has LightGBM and numpy only.

Usage: python lightgbm_scores.py FOLDER, where FOLDER holds {train,valid,test}.npy with one row of
features per pair, train.right.npy, valid.right.npy and settings.json, LightGBM's own parameters;
writes {valid,test}.score.npy and, into seconds.json, how long it took.
"""

import json
import sys
import time
from pathlib import Path

import lightgbm
import numpy as np


def main(folder: Path) -> None:
    """Train with early stopping on valid, then score valid and test."""
    settings = json.loads((folder / "settings.json").read_text())
    parts = {
        split: lightgbm.Dataset(
            np.load(folder / f"{split}.npy"), np.load(folder / f"{split}.right.npy")
        )
        for split in ("train", "valid")
    }
    rounds = settings.pop("num_iterations")
    wall, cpu = time.perf_counter(), time.process_time()
    model = lightgbm.train(settings, parts["train"], rounds, valid_sets=[parts["valid"]])
    seconds = {"fit_s": time.perf_counter() - wall, "fit_cpu_s": time.process_time() - cpu}
    cpu = time.process_time()
    for split in ("valid", "test"):
        scores = model.predict(np.load(folder / f"{split}.npy"))
        np.save(folder / f"{split}.score.npy", np.asarray(scores, dtype=np.float32))
    seconds["predict_cpu_s"] = time.process_time() - cpu
    (folder / "seconds.json").write_text(json.dumps(seconds))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
