"""Names the right company for every client of a list, or says that there is none.

>>> from linkage_rl import RecordBatch
>>> len(RecordBatch(["c1"], {"name": ["五洋建設㈱"]}))
1
"""

from linkage_rl.bundle import load_bundle
from linkage_rl.errors import LinkageError
from linkage_rl.linker import LinkedBatch, Linker
from linkage_rl.records import CompanyRows, DecisionKind, RecordBatch

__all__ = [
    "CompanyRows",
    "DecisionKind",
    "LinkageError",
    "LinkedBatch",
    "Linker",
    "RecordBatch",
    "load_bundle",
]
