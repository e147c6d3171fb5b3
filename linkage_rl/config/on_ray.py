"""Work distributed over the actors of a Ray cluster, with the results in the order of the items.

It needs Ray, an extra of the package: `launchers` imports this module only where it is used.
"""

import logging
import os
import pickle
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

import pyarrow as pa
import ray
import ray.data
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from linkage_rl.config.launchers import LauncherSettings
from linkage_rl.errors import ConfigError, LinkageError

Item = TypeVar("Item")
Result = TypeVar("Result")

_log = logging.getLogger(__name__)


def in_order(
    act: Callable[[Item], Result],
    items: Callable[[], Iterable[Item]],
    workers: int,
    settings: LauncherSettings,
) -> Iterator[Result]:
    """What `act` returns for each item, in their order; see `config.workers.in_order`.

    Each item is a block of its own: an actor that is killed loses only the item it was working on,
    and that item is worked on again.

    Args:
        act: Pure, and importable on every node.
        items: Called once, on this node, by a process of Ray; items are taken as actors need them.
        workers: Number of actors, one processor each.
        settings: Which cluster, and how often a killed actor is replaced.

    Raises:
        LinkageError: `act` or `items` raised it, or actors were killed repeatedly.
        ConfigError: There is no cluster at the address.
    """
    folder = str(Path.cwd())
    with _cluster(workers, settings), _keeping_order():
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        # from memory: a read of Ray's own would wait for a processor, which the workers have
        blocks = ray.data.from_arrow(_packed(None)).map_batches(
            _Reader,
            fn_constructor_args=(_Task(items, folder),),
            batch_format="pyarrow",
            # no processor of its own: reading is a small part of the work
            num_cpus=0,
            compute=ray.data.ActorPoolStrategy(size=1),
            **_retried(settings, scheduling_strategy=here),
        )
        done = blocks.map_batches(
            _Worker,
            fn_constructor_args=(_Task(act, folder),),
            batch_size=1,
            batch_format="pyarrow",
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=2),
            **_retried(settings),
        )
        try:
            for block in done.iter_batches(
                batch_size=None, batch_format="pyarrow", prefetch_batches=0
            ):
                for packed in block["packed"]:
                    yield _unpacked(packed)
        except ray.exceptions.RayTaskError:
            raise
        except ray.exceptions.RayError as error:
            _log.debug("Ray stopped retrying", exc_info=error)
            raise LinkageError(
                f"workers were killed more than {settings.retries} times over the same clients, "
                "perhaps for lack of memory; use fewer workers or a smaller chunk"
            ) from None


def run_isolated(
    act: Callable[[Item], Result], items: Iterable[Item], workers: int, settings: LauncherSettings
) -> list[Result | LinkageError]:
    """What `act` returns for each item, in their order, each in a process of its own.

    A killed process is not replaced, since its work may not be safe to repeat. The result of its
    item is an error, and the others go on.

    Args:
        act: Importable on every node, or a partial of something that is.
        items: All of them are handed to the cluster at once.
        workers: Processors of a cluster on this machine.
        settings: Which cluster.

    Raises:
        ConfigError: There is no cluster at the address.
    """
    with _cluster(workers, settings):
        act_on = ray.remote(num_cpus=1, max_retries=0)(_run_one)
        task = ray.put(_Task(act, str(Path.cwd())))
        running = [act_on.remote(task, item) for item in items]
        return [_result(one) for one in running]


class _Task(Generic[Item]):
    """The work that an actor is sent.

    Not a dataclass, whose `repr` would show its content: Ray writes arguments into its logs, and
    settings may hold a password.
    """

    def __init__(self, content: Item, folder: str) -> None:
        self._content = content
        self._folder = folder

    def unpack(self) -> Item:
        """The content, in the folder in which the command was started."""
        try:
            os.chdir(self._folder)
        except OSError as error:
            raise ConfigError(
                f"expected the folder {self._folder} on every node of the cluster, got "
                f"'{error.strerror}'; start the command in a folder that all nodes share"
            ) from None
        return self._content


class _Reader:
    """Reads the items, one block each; an error of the input is passed on as an item."""

    def __init__(self, task: _Task[Callable[[], Iterable[Any]]]) -> None:
        self._task = task

    def __call__(self, _: pa.Table) -> Iterator[pa.Table]:
        try:
            for item in self._task.unpack()():
                yield _packed(item)
        except LinkageError as error:
            yield _packed(error)


class _Worker:
    """Works on one item after the other."""

    def __init__(self, task: _Task[Callable[[Any], Any]]) -> None:
        self._task = task

    def __call__(self, block: pa.Table) -> pa.Table:
        try:
            return _packed(self._task.unpack()(_unpacked(block["packed"][0])))
        except LinkageError as error:
            return _packed(error)


def _run_one(task: _Task[Callable[[Any], Any]], item: Any) -> Any:
    return task.unpack()(item)


def _result(reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError:
        raise
    except ray.exceptions.RayError as error:
        _log.debug("Ray lost a process", exc_info=error)
        return LinkageError("the run was killed, perhaps for lack of memory")


def _packed(content: object) -> pa.Table:
    return pa.table({"packed": pa.array([pickle.dumps(content)], pa.large_binary())})


def _unpacked(packed: Any) -> Any:
    content = pickle.loads(packed.as_py())
    if isinstance(content, LinkageError):
        raise content
    return content


def _retried(settings: LauncherSettings, **more: object) -> dict[str, object]:
    """Limits of retrying: else a list too large for the memory would be retried for ever."""
    return {"max_restarts": settings.retries, "max_task_retries": settings.retries, **more}


@contextmanager
def _keeping_order() -> Iterator[None]:
    """Ray Data set up to yield one block per item, in their order, and to print nothing."""
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current().copy()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    # bytes: whatever its size, an item is larger, and so ends its block
    context.target_max_block_size = 1
    with ray.data.DataContext.current(context), warnings.catch_warnings():
        # about the limits in `_retried`, which Ray 2.60 offers no other way to set
        warnings.simplefilter("ignore", ray.util.annotations.RayDeprecationWarning)
        yield


@contextmanager
def _cluster(workers: int, settings: LauncherSettings) -> Iterator[None]:
    """The cluster at the address, or one on this machine that ends with the work."""
    if ray.is_initialized():
        yield
        return
    # of messages about sockets and retries, unless the user has set it
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
    try:
        if settings.address:
            ray.init(address=settings.address, **quiet)
        else:
            ray.init(address="local", num_cpus=workers, include_dashboard=False, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"cannot join the Ray cluster at {settings.address or 'this machine'}: "
            f"{str(error).splitlines()[0]}; start one by `ray start --head`, or leave "
            "launcher.address out"
        ) from None
    processors = int(ray.cluster_resources().get("CPU", 0))
    if processors < workers:
        _log.warning("the cluster has %d processors: some of workers=%d wait", processors, workers)
    try:
        yield
    finally:
        ray.shutdown()
