"""Rate of each kind of difference between a client and its company."""

from dataclasses import dataclass

from linkage_rl.checks import SHARE
from linkage_rl.errors import ConfigError


@dataclass(frozen=True)
class NoiseRates:
    """Rate of each kind of difference between a client and its company; each in [0, 1].

    The first eight say what happens to the name and add up to 1. The defaults follow the real
    training lists, with more typos and fewer exact names, so that rules on names link a little over
    half of the clients, while the other fields hold enough evidence to link four in five.
    """

    exact: float = 0.22
    legal_form: float = 0.27
    """Legal form left out or shortened: 株式会社, （株）, ㈱."""
    width_space: float = 0.06
    extra_text: float = 0.14
    """A branch or department is appended."""
    typo: float = 0.24
    renamed: float = 0.02
    """The client has a former name of the company, which the table may not know."""
    reading: float = 0.03
    """The name is given in (half-width) katakana, as in bank files."""
    english: float = 0.02
    """The name is given in Latin letters where the company has such a name."""

    old_name: float = 0.5
    """Clients of companies with former names that use one; the rates above are of the others."""
    form_too: float = 0.5
    """Names with extra text or a typo whose legal form is shortened as well."""
    kana: float = 0.4
    """Clients whose reading is known."""
    address: float = 0.75
    """Clients whose address is known."""
    postal_code: float = 0.55
    phone: float = 0.3
    url: float = 0.15
    corporate_number: float = 0.03
    moved: float = 0.18
    """Clients whose address, and usually phone, is a former one."""
    city_only: float = 0.1
    """Addresses that end after the city or the town."""
    rewritten: float = 0.7
    """Addresses spelled differently from the registry: 1-2-3, 一丁目."""
    building_dropped: float = 0.5
    prefecture_dropped: float = 0.25
    wrong_phone: float = 0.15

    text_beside_name: float = 0.12
    """Names with something in the cell that is no part of them, of `beside_name.NAME_KINDS`."""
    address_wording: float = 0.1
    """Addresses written in a way of `address_noise.ADDRESS_KINDS`."""
    damaged_cell: float = 0.05
    """Clients with a phone, postal code or number of `cell_noise.CELL_KINDS`."""
    shared_identifier: float = 0.05
    """Clients with a dummy or shared value of `cell_noise.SHARED_KINDS` in an empty field."""
    name_only: float = 0.03
    """Clients of whom no more than the name is known, or the name and the prefecture."""

    def __post_init__(self) -> None:
        for name, rate in vars(self).items():
            if rate not in SHARE:
                raise ConfigError(
                    f"table.sample.noise.{name}, or clients.augmentation.{name}, must lie in "
                    f"[0, 1], got {rate}"
                )
        if abs(sum(self.names().values()) - 1.0) > 1e-9:
            raise ConfigError(
                f"expected name noise rates that add up to 1, got {self.names()}; "
                "raise or lower 'exact' by the difference"
            )

    def names(self) -> dict[str, float]:
        """Kind of name noise to its rate."""
        kinds = ("exact", "legal_form", "width_space", "extra_text", "typo", "renamed", "reading")
        return {kind: getattr(self, kind) for kind in (*kinds, "english")}
