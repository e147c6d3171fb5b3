"""The page of a suite: one self-contained file, for a browser that has no network."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from experiments.suite.browser import KINDS, Browsed
from experiments.suite.coverage import KindRecall, recall_rows
from experiments.suite.pictures import Picture
from experiments.suite.summary import Row, Verdict
from experiments.suite.tables import COLUMNS, interval, ordered, shown, verdict_cells
from linkage_rl.evaluation.report import template


@dataclass(frozen=True, eq=False)
class Page:
    """Everything that the page shows."""

    about: Mapping[str, Any]
    rows: Sequence[Row]
    verdicts: Sequence[Verdict]
    pictures: Sequence[Picture]
    browsed: Sequence[Browsed]
    recalls: Sequence[KindRecall] = ()

    @property
    def lists(self) -> dict[str, list[Row]]:
        """List name to its rows, best F1 first."""
        names = dict.fromkeys(row.list_name for row in self.rows)
        return {name: ordered([r for r in self.rows if r.list_name == name]) for name in names}

    @property
    def narrow(self) -> bool:
        """Whether two figures fit side by side: each has a panel per list."""
        return len(self.lists) == 1


def render(page: Page) -> str:
    """The page as HTML."""
    return template(Path(__file__).with_name("page.html.jinja")).render(
        page=page,
        columns=COLUMNS,
        shown=shown,
        interval=interval,
        cells=verdict_cells,
        kinds=KINDS,
        recalls=recall_rows(page.recalls),
        browsed=_script_safe([asdict(one) for one in page.browsed]),
    )


def _script_safe(content: Any) -> str:
    """JSON that is safe inside a script element, whatever the names of clients contain."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
