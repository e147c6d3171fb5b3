"""Fits LightGBM to pairs and scores others; runs in an environment of its own, numpy aside.

Usage: python lightgbm_scores.py FOLDER, where FOLDER holds {train,valid,test}.npy with one row of
features per pair, train.right.npy and valid.right.npy; writes {valid,test}.score.npy and, into
took.json, how long it took.
"""

import json
import sys
import time
from pathlib import Path

import lightgbm
import numpy as np


def main(folder: Path, seed: int) -> None:
    """Train with early stopping on valid, then score valid and test."""
    parts = {
        split: lightgbm.Dataset(
            np.load(folder / f"{split}.npy"), np.load(folder / f"{split}.right.npy")
        )
        for split in ("train", "valid")
    }
    begin, began = time.perf_counter(), time.process_time()
    model = lightgbm.train(
        {
            "objective": "binary",
            "learning_rate": 0.08,
            "num_leaves": 63,
            "min_data_in_leaf": 100,
            "feature_fraction": 0.8,
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
            "num_threads": 2,
            "seed": seed,
            "verbosity": -1,
        },
        parts["train"],
        num_boost_round=800,
        valid_sets=[parts["valid"]],
        callbacks=[lightgbm.early_stopping(40, verbose=False)],
    )
    took = {"fit_s": time.perf_counter() - begin, "fit_cpu_s": time.process_time() - began}
    began = time.process_time()
    for split in ("valid", "test"):
        scores = model.predict(np.load(folder / f"{split}.npy"))
        np.save(folder / f"{split}.score.npy", np.asarray(scores, dtype=np.float32))
    took["predict_cpu_s"] = time.process_time() - began
    (folder / "took.json").write_text(json.dumps(took))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
