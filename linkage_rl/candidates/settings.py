"""Which routes are used at which price: the configuration of the candidates floor."""

from dataclasses import dataclass, field, fields

from linkage_rl.candidates.routes import KeyRoute, NgramRoute, Route
from linkage_rl.errors import ConfigError


@dataclass(frozen=True)
class RoutePrices:
    """Price of each exact route, unit: one correct link; a negative price leaves the route out.

    The prices are 0.0002 per microsecond that a look-up takes in the table of 1.62 million rows.
    """

    corporate_number: float = 0.0005
    phone: float = 0.0005
    domain: float = 0.0005
    name: float = 0.0005
    core: float = 0.0005
    kana: float = 0.001
    address: float = 0.006
    former_name: float = 0.0005


@dataclass(frozen=True)
class CandidateSettings:
    """How candidates are proposed."""

    limit: int = 20
    """Candidates kept per client and route."""
    read_at_most: int = 4096
    """Bearers of one exact key that are compared."""
    prices: RoutePrices = field(default_factory=RoutePrices)
    ngram: NgramRoute = field(default_factory=NgramRoute)
    """The n-gram route; a negative price leaves it out."""

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= 128:
            raise ConfigError(f"candidates.limit must lie in 1..128, got {self.limit}")
        if not self.routes():
            raise ConfigError("candidates needs a route; set a price of 0 or more for at least one")

    def routes(self) -> tuple[Route, ...]:
        """The routes in use: exact ones as listed in `RoutePrices`, then the n-grams."""
        priced = ((price.name, getattr(self.prices, price.name)) for price in fields(self.prices))
        exact = [KeyRoute(name, price, self.read_at_most) for name, price in priced if price >= 0]
        return (*exact, *([self.ngram] if self.ngram.price >= 0 else []))
