"""How the clients of each model are linked now, prepared once for many requests."""

from linkage_rl.candidates.index import CompanyIndex
from serving.linking import LinkJob
from serving.live_table import LiveTable
from serving.model import Model
from serving.settings import OnDatabaseDown


class Jobs:
    """The latest job of each model. They hold models and indexes until `forget`."""

    def __init__(
        self, live_table: LiveTable | None, on_database_down: OnDatabaseDown, keeps_evidence: bool
    ) -> None:
        """None is prepared yet.

        Args:
            live_table: Where current fields come from; None takes those in the index.
            on_database_down: Whether answers may be stale.
            keeps_evidence: Whether decisions come with what a log holds of them.
        """
        self._live_table = live_table
        self._on_database_down = on_database_down
        self._keeps_evidence = keeps_evidence
        self._known: dict[str, tuple[Model, CompanyIndex, LinkJob]] = {}

    def of(self, model: Model, index: CompanyIndex) -> LinkJob:
        """How clients of a model are linked on this state of the table."""
        known = self._known.get(model.name)
        if known is not None and known[0] is model and known[1] is index:
            return known[2]
        job = LinkJob(
            (model.name, model.version, id(index)),
            model.linker_on(index, index, self._keeps_evidence),
            self._live_table,
            self._on_database_down,
        )
        self._known[model.name] = model, index, job
        return job

    def forget(self) -> None:
        """Let go of models that were unloaded, and of former states of the table."""
        self._known.clear()
