"""What is known of a dataset whose clients were drawn from the company table."""

from dataclasses import dataclass

from linkage_rl.decision.cases import CaseSet


@dataclass(frozen=True, eq=False)
class DrawnDataset:
    """A dataset whose clients were drawn from the table, and the list that they resemble."""

    list_file: str
    """'' without a list."""
    list_cases: CaseSet | None
    """Cases of the list's clients, of unknown truth: `is_right` and `has_row` are all false. None
    without a list."""
    unseen_share: float | None
    """Share of the list's clients whose pattern was never drawn, in [0, 1]; None without a
    list."""
