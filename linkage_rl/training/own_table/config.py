"""Settings of learning without labels."""

from dataclasses import dataclass

from linkage_rl.checks import COUNT, COUNT_OR_NONE, NOT_NEGATIVE, SEED, SHARE, Range, check_ranges


@dataclass(frozen=True)
class OwnTableConfig:
    """How clients are drawn from a company table, and fitted to a client list without labels."""

    hidden: int = 120_000
    """Rows that are hidden from the index, at most: the companies of clients without a row, and
    the source of former names and former addresses."""
    hidden_share: float = 0.2
    """Share of the rows that are hidden, at most."""
    broad: int = 24_000
    """Clients drawn for each list at first, over all kinds of noise, to estimate their rates; 0
    leaves the first rates."""
    train: int = 36_000
    """Clients drawn for each list at the estimated rates, to learn from."""
    valid: int = 8_000
    """Further ones, on which checkpoints, calibration and threshold are chosen."""
    test: int = 4_000
    """Further ones, of which figures are reported."""
    no_row_share: float = 0.35
    """Share of the clients without a row at first."""
    no_row_share_without_list: float = 0.25
    """The same where there is no list to estimate it from."""
    related_share: float = 0.4
    """Share of former names that resemble the present one: another form, half of the core."""
    same_city_share: float = 0.35
    """Share of moved clients whose former address is in the same city."""
    near_places: bool = True
    """Whether the others moved within the area of their registry office, or else within their
    prefecture; false takes any place."""
    likeness: bool = True
    """Whether drawn clients have the fields and the address style of the list."""
    prior: float = 0.3
    """Weight of the first rates beside those that the list suggests, in clients per client of the
    list. Without it the estimate collapses where kinds of noise cannot be told apart."""
    list_clients: int = 20_000
    """Clients of a list that are looked at, at most."""
    self_training: bool = True
    """Whether clients of the list of whose answer a first ranker is sure are learned as well."""
    link_above: float = 0.9
    """Probability from which a client of the list is learned as linked."""
    no_row_below: float = 0.1
    """Probability up to which a client of the list is learned as without a row."""
    seed: int = 0
    """Of the drawing; runs of another `seed` share the clients."""

    def __post_init__(self) -> None:
        shares = (
            *("no_row_share", "no_row_share_without_list"),
            *("related_share", "same_city_share"),
        )
        check_ranges(
            "own_table",
            self,
            {
                **dict.fromkeys(("hidden", "train", "valid", "test"), COUNT),
                "hidden_share": Range(0, 0.5, open_low=True),
                **dict.fromkeys(shares, SHARE),
                "broad": COUNT_OR_NONE,
                "prior": NOT_NEGATIVE,
                "list_clients": COUNT,
                "link_above": Range(0, 1, open_low=True),
                "no_row_below": SHARE,
                "seed": SEED,
            },
        )
