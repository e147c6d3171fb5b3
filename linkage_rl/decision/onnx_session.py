"""Runs ONNX graphs that came from outside within limits of memory and time.

What a graph needs may depend on the clients that it gets, so no trial can tell it beforehand. All
sessions of a process share one pool of memory with a limit, and a thread ends calls that take too
long.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from linkage_rl.errors import BundleError, ResourceLimitError
from linkage_rl.imports import OnUse

onnxruntime: Final[Any] = OnUse("onnxruntime")
"""Takes 25 MB of memory; most processes run no graph but those that a kernel runs."""
MAX_MEMORY: Final = 1 << 30
"""Bytes that the graphs of a process may take for intermediate results."""
MAX_SECONDS: Final = 10
"""Time that a call may take; it ends with the operator at hand. The policy of the sample needs
0.1 s for thousands of clients."""
_MAX_FOLDED: Final = 1 << 16
"""Bytes of a result that onnxruntime may compute once, when it loads a graph."""
_REMEDY: Final = "export the run again"
_OVER_LIMIT: Final = "Available memory of"
_NO_MEMORY: Final = ("Failed to allocate memory", "bad_alloc")


class GraphSession:
    """A graph that was checked by `onnx_graph.read_graph`."""

    def __init__(
        self, content: bytes, what: str, path: Path, threads: int = 1, optimised: bool = True
    ) -> None:
        """Load a graph.

        Args:
            content: The file.
            what: What the graph is, for messages.
            path: Where it came from, for messages.
            threads: Threads of onnxruntime within one call.
            optimised: Whether onnxruntime may rewrite it to a faster one, for which it runs parts
                of it at once, without the limits.

        Raises:
            BundleError: onnxruntime cannot run such a graph.
            ResourceLimitError: There is no memory for it.
        """
        self._what = what
        options = _options(threads)
        if not optimised:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            # the bytes that were checked: a path could lead to others by now
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except MemoryError:
            raise
        except Exception as error:
            # onnxruntime raises a dozen unrelated classes for a graph that it cannot run
            reason = _reason(error)
            _check_memory(reason, what, error)
            raise BundleError(
                f"expected a {what} as an ONNX graph in {path}, but {reason}; {_REMEDY}"
            ) from error

    def run(
        self, outputs: Sequence[str], feed: Mapping[str, NDArray[Any]]
    ) -> Sequence[NDArray[Any]]:
        """The outputs for these inputs.

        Raises:
            BundleError: The graph fails, or needs more memory or time than it may.
            ResourceLimitError: The system has no memory left.
        """
        options = onnxruntime.RunOptions()
        _watch.begin(options)
        try:
            found: Sequence[NDArray[Any]] = self._session.run(outputs, feed, options)
        except MemoryError:
            raise
        except Exception as error:
            # as above
            raise self._failed(error, options.terminate) from error
        finally:
            _watch.end(options)
        return found

    def _failed(self, error: Exception, ended: bool) -> BundleError:
        reason = _reason(error)
        if ended:
            reason = f"it takes more than {MAX_SECONDS} s for one call"
        elif _OVER_LIMIT in reason:
            reason = f"it needs more than {MAX_MEMORY >> 20} MB of memory"
        else:
            _check_memory(reason, self._what, error)
        return BundleError(f"the bundle's {self._what} cannot be run: {reason}; {_REMEDY}")


def _options(threads: int) -> Any:
    _limit_memory()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # onnxruntime would print errors that the caller gets as exceptions
    options.log_severity_level = 4
    for name, value in (
        ("session.use_env_allocators", "1"),
        # the weights of many models are no reason to end a call
        ("session.use_device_allocator_for_initializers", "1"),
        ("optimization.constant_folding_max_output_size_in_bytes", str(_MAX_FOLDED)),
    ):
        options.add_session_config_entry(name, value)
    return options


@cache
def _limit_memory() -> None:
    """Make the pool of memory that the sessions of this process share."""
    onnxruntime.create_and_register_allocator(
        onnxruntime.OrtMemoryInfo(
            "Cpu",
            onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR,
            0,
            onnxruntime.OrtMemType.DEFAULT,
        ),
        onnxruntime.OrtArenaCfg({"max_mem": MAX_MEMORY}),
    )


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[-300:] or type(error).__name__


def _check_memory(reason: str, what: str, error: Exception) -> None:
    if any(text in reason for text in _NO_MEMORY):
        raise ResourceLimitError(
            f"there is no memory left to run the bundle's {what}; unload another bundle, or give "
            "the process more"
        ) from error


class _Watch:
    """Ends calls that take too long, from a thread that lives while there are calls.

    It counts seconds in which it ran itself, so that a machine that slept ends no call.
    """

    def __init__(self) -> None:
        self._ages: dict[Any, list[int]] = {}
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def begin(self, options: Any) -> None:
        """Watch the call with these options of onnxruntime."""
        self._ages[options] = [0]
        if not self._is_alive():
            with self._lock:
                if not self._is_alive():
                    self._thread = threading.Thread(target=self._count, daemon=True)
                    self._thread.start()

    def end(self, options: Any) -> None:
        """The call has ended."""
        del self._ages[options]

    def _is_alive(self) -> bool:
        """Whether the thread runs; a forked process inherits one that does not."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def _count(self) -> None:
        idle = 0
        while idle < MAX_SECONDS or not self._stopped():
            time.sleep(1)
            running = self._ages.copy()
            idle = 0 if running else idle + 1
            for options, age in running.items():
                age[0] += 1
                if age[0] > MAX_SECONDS:
                    options.terminate = True

    def _stopped(self) -> bool:
        """Whether this thread may end: a call that begins from now on starts another one."""
        with self._lock:
            self._thread = None
            if self._ages:
                self._thread = threading.current_thread()
            return self._thread is None


_watch = _Watch()
