"""The weights of a bundle's policy as plain arrays: an ONNX graph cannot be learned further.

`weights.npz` is an optional part of a bundle, read without pickle: the arrays of the scorer, its
shape, its static plan, and, once verdicts were learned, the scorer from which that began.
"""

import io
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from linkage_rl.agents.rules_net import BlockerLogits, BlockersOf, PlanFirst, ScorerLogits
from linkage_rl.agents.scorer import CandidateScorer, ScorerConfig
from linkage_rl.bundle import WEIGHTS, checked_part
from linkage_rl.decision.calibration import Calibration
from linkage_rl.errors import BundleError

_SHAPE: Final = "shape"
_START: Final = "start/"
_SCORER: Final = "scorer/"
_MAX_BYTES: Final = 64 << 20
"""Size of all arrays; those of the sample have 83 KB."""
_MAX_SIZE: Final = 2_048
"""Features, units of a layer, and the other sizes of a scorer."""


@dataclass(frozen=True, eq=False)
class PolicyWeights:
    """A learned policy with what further learning needs."""

    scorer: CandidateScorer
    plan: tuple[int, ...] | None = None
    """Blockers run for every client, by position; None leaves their choice to the policy."""
    start: CandidateScorer | None = None
    """The scorer before any verdict was learned. It still chooses the blockers, so that what was
    logged is what the policy will see; None where no verdict was learned."""
    start_calibration: Calibration | None = None
    """That of `start`."""

    @property
    def origin(self) -> CandidateScorer:
        """The scorer from which verdicts are learned: all of them, each time."""
        return self.start or self.scorer

    def graph(self) -> nn.Module:
        """Gives logits (B, A) for the parts of an observation, as a bundle's policy does."""
        policy: nn.Module = ScorerLogits(self.scorer)
        if self.plan is not None:
            return PlanFirst(policy, self.plan, self.scorer.config.blockers)
        if self.start is None:
            return policy
        choose = BlockerLogits if self.start.config.relative else ScorerLogits
        return BlockersOf(choose(self.start), policy)


def save_weights(weights: PolicyWeights, path: Path) -> None:
    """Write the weights as one `.npz`."""
    calibration = weights.start_calibration
    shape = {
        "scorer": asdict(weights.scorer.config),
        "plan": weights.plan,
        "start_calibration": None if calibration is None else calibration.to_json(),
    }
    arrays = {_SHAPE: np.array(json.dumps(shape))}
    for prefix, scorer in ((_SCORER, weights.scorer), (_START, weights.start)):
        if scorer is not None:
            state = scorer.state_dict()
            arrays |= {f"{prefix}{name}": value.numpy() for name, value in state.items()}
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def read_weights(bundle: Path) -> PolicyWeights | None:
    """The weights of a bundle's policy; None where it has none, as that of the rules.

    Raises:
        BundleError: The bundle or the part is damaged, or its arrays fit no scorer.
    """
    content = checked_part(bundle, WEIGHTS)
    if content is None:
        return None
    try:
        _check_size(content)
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        shape = json.loads(str(arrays.pop(_SHAPE)))
        config, plan = ScorerConfig(**shape["scorer"]), shape["plan"]
        calibration = shape["start_calibration"]
        start = any(name.startswith(_START) for name in arrays)
        return PolicyWeights(
            _scorer(config, arrays, _SCORER),
            None if plan is None else _plan(plan, config.blockers),
            _scorer(config, arrays, _START) if start else None,
            None if calibration is None else Calibration.from_json(calibration),
        )
    except Exception as error:
        # its content decides what fails where, so any class may come
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise BundleError(
            f"{bundle / WEIGHTS} holds no weights of a policy: {reason}; export the run again"
        ) from error


def _check_size(content: bytes) -> None:
    """Refuse a file that unpacks to more than weights can have."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        size = sum(one.file_size for one in file.infolist())
    if size > _MAX_BYTES:
        raise ValueError(f"it unpacks to {size >> 20} MB, more than {_MAX_BYTES >> 20} MB")


def _plan(plan: object, blockers: int) -> tuple[int, ...]:
    known = isinstance(plan, list) and all(type(one) is int and 0 <= one < blockers for one in plan)
    if not isinstance(plan, list) or not known:
        raise ValueError(f"a plan has positions of {blockers} blockers, got {plan!r:.80}")
    return tuple(plan)


def _scorer(config: ScorerConfig, arrays: Mapping[str, Any], prefix: str) -> CandidateScorer:
    sizes = (config.features, config.query, config.blockers, config.width, config.quantiles)
    if max(sizes) > _MAX_SIZE:
        raise ValueError(f"a scorer has sizes of at most {_MAX_SIZE}, got {sizes}")
    if not math.isfinite(config.temperature):
        raise ValueError(f"a temperature is a finite number, got {config.temperature}")
    scorer = CandidateScorer(config, torch.Generator().manual_seed(0))
    own = {name: values for name, values in arrays.items() if name.startswith(prefix)}
    if other := {str(values.dtype) for values in own.values()} - {"float32"}:
        raise ValueError(f"weights are of type float32, got {min(other)}")
    state = {name.removeprefix(prefix): torch.from_numpy(values) for name, values in own.items()}
    if not all(bool(torch.isfinite(values).all()) for values in state.values()):
        raise ValueError("a weight is no finite number")
    scorer.load_state_dict(state)
    return scorer
