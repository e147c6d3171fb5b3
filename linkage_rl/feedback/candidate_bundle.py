"""Writes what was learned as a bundle: everything but policy, calibration and thresholds stays.

The list stage is carried over: it reads the shares of the policy, whatever they were learned from.
"""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from linkage_rl.agents.policy_weights import PolicyWeights, read_weights, save_weights
from linkage_rl.atomic import writing
from linkage_rl.bundle import (
    LIST_CALIBRATION,
    LIST_POLICY,
    WEIGHTS,
    ListStageFiles,
    Settings,
    checked_part,
    golden_answers,
    load_bundle,
    read_golden,
    read_list_thresholds,
    read_settings,
    write_bundle,
)
from linkage_rl.bundle_files import INDEX_FOLDER
from linkage_rl.bundle_manifest import MANIFEST
from linkage_rl.decision.calibration import Calibration
from linkage_rl.decision_log.evidence import LoggedCases
from linkage_rl.errors import BundleError
from linkage_rl.exporting.onnx import export_policy
from linkage_rl.feedback.learned import Learned, answers_of
from linkage_rl.feedback.logged import Format
from linkage_rl.records import RecordBatch
from linkage_rl.tables.writer import file_fingerprint

_MARK: Final = 16


@dataclass(frozen=True, eq=False)
class BaseBundle:
    """The bundle whose policy learns."""

    folder: Path
    mark: str
    """First digits of the fingerprint of its manifest, as decisions are logged with."""
    settings: Settings
    weights: PolicyWeights
    calibration: Calibration

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what learning needs of a bundle.

        Raises:
            BundleError: It is damaged, or has no weights.
        """
        settings, weights = read_settings(folder), read_weights(folder)
        content = checked_part(folder, "calibration.json")
        if weights is None or content is None:
            raise BundleError(
                f"expected a bundle with {WEIGHTS} to learn from, got {folder} without; export "
                "its run again with this version, or train again where it decides by rules"
            )
        calibration = Calibration.from_json(content.decode())
        return cls(folder, mark_of(folder), settings, weights, calibration)

    @property
    def format(self) -> Format:
        """What decisions must have been logged with."""
        names = [blocker.name for blocker in self.settings.blockers]
        return Format.of(self.weights.scorer.config, names, self.settings.max_candidates)

    @property
    def start_calibration(self) -> Calibration:
        """Calibration of the scorer from which verdicts are learned."""
        return self.weights.start_calibration or self.calibration

    def answers(self, cases: LoggedCases) -> NDArray[np.int64]:
        """The slot that each client is linked to, -1 for none; shape (N,)."""
        return answers_of(self.weights.scorer, self.calibration, self.settings.thresholds, cases)


def mark_of(bundle: Path) -> str:
    """First digits of the fingerprint of a bundle's manifest."""
    return file_fingerprint(bundle / MANIFEST)[:_MARK]


def mark_in(folder: Path) -> str:
    """The mark of the bundle in a folder, '' where there is none."""
    return mark_of(folder) if (folder / MANIFEST).is_file() else ""


def write_candidate(
    base: BaseBundle, learned: Learned, folder: Path, origin: Mapping[str, str]
) -> None:
    """Write a bundle with what was learned; golden clients get their answers anew.

    Args:
        base: The bundle that learned.
        learned: What it learned.
        folder: The new bundle; replaces an earlier one there.
        origin: What is added to what the manifest says of its making.

    Raises:
        LinkageError: The base is damaged, or the folder cannot be written.
    """
    weights = PolicyWeights(
        learned.scorer, base.weights.plan, base.weights.origin, base.start_calibration
    )
    settings = replace(
        base.settings,
        thresholds=learned.thresholds,
        metrics={},
        origin=base.settings.origin | dict(origin),
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    index = base.folder / INDEX_FOLDER
    with tempfile.TemporaryDirectory(dir=folder.parent) as parts, writing(folder):
        policy, arrays = Path(parts) / "policy.onnx", Path(parts) / WEIGHTS
        export_policy(weights.graph(), learned.scorer.config, policy)
        save_weights(weights, arrays)
        stage = _list_stage(base.folder, Path(parts))
        made = (folder, policy, learned.calibration, settings)
        if not index.is_dir():
            write_bundle(*made, [], None, stage, arrays)
            return
        write_bundle(*made, [], index, stage, arrays)
        golden = golden_answers(load_bundle(folder), _golden_clients(base.folder))
        write_bundle(*made, golden, index, stage, arrays)


def _list_stage(base: Path, parts: Path) -> ListStageFiles | None:
    """The list stage of a bundle, copied."""
    thresholds = read_list_thresholds(base)
    calibration = checked_part(base, LIST_CALIBRATION)
    if thresholds is None or calibration is None:
        return None
    shutil.copyfile(base / LIST_POLICY, parts / LIST_POLICY)
    return ListStageFiles(
        parts / LIST_POLICY, Calibration.from_json(calibration.decode()), thresholds
    )


def _golden_clients(bundle: Path) -> RecordBatch:
    golden = read_golden(bundle)
    names = sorted({name for client in golden for name in client.fields})
    return RecordBatch(
        [client.client_id for client in golden],
        {name: [client.fields.get(name, "") for client in golden] for name in names},
    )
