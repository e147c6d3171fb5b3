"""Record linkage (entity resolution, 名寄せ): finds the company of every client of a list.

>>> from linkage_rl import RecordBatch
>>> len(RecordBatch(["c1"], {"name": ["五洋建設㈱"]}))
1

Names are loaded when they are first used, so that importing the package costs nothing. It keeps the
libraries beneath it from reporting usage to their makers, unless a user has set their variables.
"""

import os
import sys
from importlib import import_module, metadata
from types import ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from linkage_rl.api import TrainResult, link, load_bundle, train
    from linkage_rl.decision_log.rows import Verdict
    from linkage_rl.decision_log.store import DecisionLog
    from linkage_rl.errors import LinkageError
    from linkage_rl.frame_linker import FrameLinker
    from linkage_rl.linked_batch import LinkedBatch
    from linkage_rl.linker import Linker
    from linkage_rl.records import CompanyRows, DecisionKind, RecordBatch

    __version__: str

__all__ = [
    "CompanyRows",
    "DecisionKind",
    "DecisionLog",
    "FrameLinker",
    "LinkageError",
    "LinkedBatch",
    "Linker",
    "RecordBatch",
    "TrainResult",
    "Verdict",
    "__version__",
    "link",
    "load_bundle",
    "train",
]

_HOMES: Final = {
    **dict.fromkeys(("TrainResult", "link", "load_bundle", "train"), "linkage_rl.api"),
    "DecisionLog": "linkage_rl.decision_log.store",
    "FrameLinker": "linkage_rl.frame_linker",
    "LinkageError": "linkage_rl.errors",
    "LinkedBatch": "linkage_rl.linked_batch",
    "Linker": "linkage_rl.linker",
    **dict.fromkeys(("CompanyRows", "DecisionKind", "RecordBatch"), "linkage_rl.records"),
    "Verdict": "linkage_rl.decision_log.rows",
}
"""Public name to the module that defines it."""

_NO_REPORTS: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "ORT_DISABLE_TELEMETRY": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "WANDB_ERROR_REPORTING": "false",
}
"""Environment variables that libraries read when they are loaded, so they are set before."""

for _variable, _off in _NO_REPORTS.items():
    os.environ.setdefault(_variable, _off)


def __getattr__(name: str) -> object:
    if name == "__version__":
        return metadata.version("linkage_rl")
    if name not in _HOMES:
        raise AttributeError(f"module 'linkage_rl' has no attribute {name!r}")
    found = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """Keeps `linkage_rl.link` and `linkage_rl.train` the functions that they are documented as.

    The commands `python -m linkage_rl.link` and `.train` are modules of the same names; importing
    one would put the module in the place of the function.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
