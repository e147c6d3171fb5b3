"""Links the lists of `experiments.suite.kinds` with whatever version of the library is imported.

    PYTHONPATH=OTHER_TREE python experiments/suite/kind_links.py FOLDER BUNDLE RUN

It uses nothing of this repository but the library, so that a bundle of an earlier version is
measured by that version. Tables are indexed and answers written in FOLDER/RUN.
"""

import json
import sys
from pathlib import Path

from linkage_rl.companies import CompaniesSettings
from linkage_rl.companies import run as load_companies
from linkage_rl.config.link_settings import LinkSettings
from linkage_rl.link import run as link_list


def main() -> None:
    """Load every table, then link every list to its own."""
    folder, bundle, run = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    out = folder / run
    out.mkdir(parents=True, exist_ok=True)
    conditions = json.loads((folder / "conditions.json").read_text(encoding="utf-8"))
    for table in dict.fromkeys(condition["table"] for condition in conditions):
        database = out / f"{Path(table).stem}.db"
        if not database.exists():
            load_companies(CompaniesSettings(source=str(folder / table), database=str(database)))
        for condition in conditions:
            if condition["table"] == table:
                link_list(
                    LinkSettings(
                        bundle=bundle,
                        clients=str(folder / condition["list"]),
                        output=str(out / Path(condition["list"]).name),
                        database=str(database),
                    )
                )


if __name__ == "__main__":
    main()
