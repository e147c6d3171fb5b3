"""How the clients of each model are linked now, prepared once for many requests."""

from functools import partial

from linkage_rl.candidates.index import CompanyIndex
from linkage_rl.decision_log.linked import Facts
from linkage_rl.decision_log.privacy import Privacy
from linkage_rl.linked_columns import digest
from linkage_rl.linker import Linker
from serving.linking import LinkJob
from serving.live_table import LiveTable
from serving.log_writer import DecisionWriter
from serving.model import Model
from serving.settings import OnDatabaseDown


class Jobs:
    """The latest job of each model. They hold models and indexes until `forget`."""

    def __init__(
        self,
        live_table: LiveTable | None,
        on_database_down: OnDatabaseDown,
        writer: DecisionWriter | None,
    ) -> None:
        """None is prepared yet.

        Args:
            live_table: Where current fields come from; None takes those in the index.
            on_database_down: Whether answers may be stale.
            writer: Logs decisions; None where no log is configured.
        """
        self._live_table = live_table
        self._on_database_down = on_database_down
        self._writer = writer
        self._known: dict[str, tuple[Model, CompanyIndex, LinkJob]] = {}

    def of(self, model: Model, index: CompanyIndex) -> LinkJob:
        """How clients of a model are linked on this state of the table."""
        known = self._known.get(model.name)
        if known is not None and known[0] is model and known[1] is index:
            return known[2]
        writer = self._writer
        linker = model.linker_on(index, index, keeps_evidence=writer is not None)
        job = LinkJob(
            (model.name, model.version, id(index)),
            linker,
            self._live_table,
            self._on_database_down,
            partial(writer.log, _facts(linker, model.fingerprint)) if writer else None,
        )
        self._known[model.name] = model, index, job
        return job

    def forget(self) -> None:
        """Let go of models that were unloaded, and of former states of the table."""
        self._known.clear()


def _facts(linker: Linker, fingerprint: str) -> Facts:
    """What all decisions of a linker have in common, without the privacy of the log."""
    return Facts.of(linker, "serve", fingerprint, digest(linker.index.state), Privacy())
