"""The kinds of clients that are drawn, and their first rates."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

ABSENT_KIND: Final = "authority"
"""Kind of name of organisations that company tables lack: cities, ministries, health insurers."""


@dataclass(frozen=True, order=True)
class Component:
    """One kind of clients; its rate is what is estimated from a list."""

    name: str
    """Kind of name noise."""
    moved: bool
    """Whether the address is a former one."""
    hidden: bool
    """Whether the table has no row."""

    def __str__(self) -> str:
        marks = ("moved", self.moved), ("no row", self.hidden)
        return "+".join([self.name, *(mark for mark, is_set in marks if is_set)])


WITH_ADDRESS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "exact": 0.28,
        "legal_form": 0.16,
        "width_space": 0.04,
        "extra_text": 0.1,
        "typo": 0.12,
        "renamed": 0.24,
        "reading": 0.03,
        "english": 0.03,
    }
)
"""First rates of the kinds of name noise in a list with addresses: each often enough to be learned,
many former names, since an address can identify a renamed company."""
NAMES_ONLY: Final[Mapping[str, float]] = MappingProxyType(
    {
        "exact": 0.25,
        "legal_form": 0.25,
        "width_space": 0.06,
        "extra_text": 0.16,
        "typo": 0.16,
        "renamed": 0.05,
        "reading": 0.04,
        "english": 0.03,
    }
)
"""The same for a list without addresses, where a renamed company looks like one without a row."""
MOVED_SHARE: Final = 0.4
"""Share of clients with a former address at first, in lists with addresses."""
AUTHORITY_SHARE: Final = 0.06
"""Share, of the clients without a row, of organisations that the table lacks, at first."""
_OTHER_RATE: Final = 0.06
"""First rate of kinds that are in neither table above, before rates are scaled to add up to 1."""


def first_rates(
    kinds: Iterable[str], addresses: bool, no_row_share: float, authorities: bool
) -> dict[Component, float]:
    """Rates at which clients are drawn broadly; they add up to 1.

    Args:
        kinds: Kinds of name noise that apply to the table.
        addresses: Whether clients have addresses.
        no_row_share: Share of clients without a row.
        authorities: Whether organisations that the table lacks are drawn as well.
    """
    known = WITH_ADDRESS if addresses else NAMES_ONLY
    names = {kind: known.get(kind, _OTHER_RATE) for kind in kinds}
    moved = MOVED_SHARE if addresses else 0.0
    rates = {
        Component(kind, has_moved, hidden): rate / sum(names.values()) * place * row
        for kind, rate in names.items()
        for has_moved, place in ((False, 1 - moved), (True, moved))
        for hidden, row in ((False, 1 - no_row_share), (True, no_row_share))
        if place * row > 0
    }
    if authorities and no_row_share:
        rates = {
            component: rate * (1 - AUTHORITY_SHARE * component.hidden)
            for component, rate in rates.items()
        }
        rates[Component(ABSENT_KIND, False, True)] = AUTHORITY_SHARE * no_row_share
    return rates
