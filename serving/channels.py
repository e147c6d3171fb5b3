"""The inputs of a SageMaker training job, as arguments of `python -m linkage_rl.train`.

SageMaker writes them below /opt/ml/input: hyperparameters, all of them as text, and channels,
which are named folders of files. Standard library only, as `training.py`.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

SPLITS: Final[Mapping[str, str]] = {
    "train": "train",
    "valid": "valid",
    "validation": "valid",
    "test": "test",
    "evaluation": "test",
}
"""Name of a channel to the split of its client lists."""
COMPANIES: Final = "companies"
"""Channel of the company table: one file, or an SQLite database that contains it."""
_LISTS: Final = (".csv", ".parquet")
_DATABASES: Final = (".db", ".sqlite", ".sqlite3")
_RESERVED: Final = ("resume", "hydra", "config", "help")
"""First parts of keys that the container sets itself, or that are no keys of the configuration."""


class TrainingError(Exception):
    """Training failed; the text is the reason that SageMaker shows."""

    def __init__(self, reason: str, code: int = 1) -> None:
        super().__init__(reason)
        self.code = code


def arguments(inputs: Path) -> list[str]:
    """The arguments for the job with its inputs in this folder, usually /opt/ml/input.

    Raises:
        TrainingError: A file is malformed, a hyperparameter is unknown, or a channel is incomplete.
    """
    hosts = _read(inputs / "config/resourceconfig.json").get("hosts", [])
    if len(hosts) > 1:
        raise TrainingError(
            f"expected one host, since training is not distributed, got {len(hosts)}; "
            "set the instance count to 1"
        )
    overrides = hyperparameters(_read(inputs / "config/hyperparameters.json"))
    declared = _read(inputs / "config/inputdataconfig.json")
    folders = {path.name: path for path in sorted((inputs / "data").glob("*")) if path.is_dir()}
    folders |= {name: inputs / "data" / name for name in declared}
    return [*table(folders), *client_lists(folders), *overrides]


def hyperparameters(given: Mapping[str, Any]) -> list[str]:
    """`key=value` for each hyperparameter; those of SageMaker itself are left out.

    The SageMaker SDK sends a text in quotes, `boto3` without.

    Raises:
        TrainingError: A name is no key of the configuration, or one that the container sets.

    >>> hyperparameters({"agent": '"dqn"', "seed": "3", "sagemaker_region": "x"})
    ['agent=dqn', 'seed=3']
    """
    overrides = []
    for name, value in sorted(given.items()):
        if name.startswith(("sagemaker_", "_tuning_")):
            continue
        if not re.fullmatch(r"[A-Za-z_][\w./@-]*", name) or re.split(r"\W", name)[0] in _RESERVED:
            raise TrainingError(
                f"expected hyperparameters like training.total_timesteps or agent, got {name!r}; "
                "`python -m linkage_rl.train --help` lists the keys",
                2,
            )
        overrides.append(f"{name}={_unquoted(str(value))}")
    return overrides


def table(folders: Mapping[str, Path]) -> list[str]:
    """Arguments for the company table; none, for the sample, without this channel.

    Raises:
        TrainingError: The channel holds no company file, or several.
    """
    if COMPANIES not in folders:
        return []
    files = _files(folders[COMPANIES], (*_LISTS, *_DATABASES))
    if len(files) != 1:
        raise TrainingError(
            f"expected one CSV, Parquet or SQLite file in the channel {COMPANIES}, "
            f"got {[file.name for file in files]}; give the company table as one file"
        )
    path = _quoted(files[0])
    key = "database" if files[0].suffix in _DATABASES else "source"
    return [f"table.name={COMPANIES}", f"table.{key}={path}"]


def client_lists(folders: Mapping[str, Path]) -> list[str]:
    """Arguments for the labelled lists of each split; none, for the sample, without channels.

    The files of a dataset have the same name in every channel, apart from the name of the split:
    moves_train.csv, moves_valid.csv, moves_test.csv. If every channel holds one file, its name does
    not matter.

    Raises:
        TrainingError: A split is missing, or a channel holds no list.
    """
    splits = {SPLITS[name]: folder for name, folder in folders.items() if name in SPLITS}
    if not splits:
        return []
    if len(splits) < len(set(SPLITS.values())):
        raise TrainingError(
            f"expected the channels train, valid and test, each with labelled client lists, got "
            f"{sorted(splits)}; the model is chosen on valid, and test is only reported"
        )
    found = {split: _files(folder, _LISTS) for split, folder in splits.items()}
    for split, files in found.items():
        if not files:
            raise TrainingError(
                f"expected client lists (.csv or .parquet) in the channel {split}, got none; "
                "check the S3 address of its data"
            )
    single = all(len(files) == 1 for files in found.values())
    arguments = []
    for split, files in sorted(found.items()):
        named = {"clients" if single else _dataset(file): file for file in files}
        pairs = [f"{dataset}: {_quoted(file)}" for dataset, file in named.items()]
        arguments.append(f"clients.{split}={{{', '.join(pairs)}}}")
    return arguments


def _dataset(file: Path) -> str:
    """The name of a file without that of its split, in characters that a key may have."""
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", file.stem) if part not in SPLITS]
    return "_".join(filter(None, parts)) or "clients"


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.suffix in suffixes and path.is_file())
    return sorted(path for path in found if not path.name.startswith("."))


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise TrainingError(f"cannot read {path} as JSON: {error}; start the job again") from None
    if not isinstance(content, dict):
        raise TrainingError(f"expected a JSON object in {path}, got {type(content).__name__}")
    return content


def _unquoted(value: str) -> str:
    try:
        text = json.loads(value)
    except ValueError:
        return value
    return text if isinstance(text, str) else value


def _quoted(path: Path) -> str:
    """A path as a value in Hydra's override grammar."""
    escaped = str(path).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
