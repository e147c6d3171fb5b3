"""The lines of the design's table: what is promised, what was reached before, in which unit."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Target:
    """One promise."""

    name: str
    """Names what `target_measures` reads."""
    what: str
    unit: str
    before: float | None
    """What was reached before the work on speed and memory began; None where it was not noted."""
    aim: float
    less_is_better: bool = True

    def is_reached(self, value: float) -> bool:
        """Whether a value is as good as promised."""
        return value <= self.aim if self.less_is_better else value >= self.aim

    def times_better(self, value: float, before: float) -> float:
        """How many times better a value is than an earlier one; both above 0."""
        return before / value if self.less_is_better else value / before


TARGETS: Final = (
    Target("own_moves", "F1 without a label, moves, valid", "", 0.745, 0.88, False),
    Target("own_payees", "F1 without a label, payees, valid", "", 0.766, 0.82, False),
    Target("labels_moves", "F1 with all labels, moves, test", "", 0.902, 0.91, False),
    Target("labels_payees", "F1 with all labels, payees, test", "", 0.838, 0.85, False),
    Target("build_s", "index build", "s", 27, 20),
    Target("build_mb", "index build, peak memory", "MB", 1_660, 1_200),
    Target("load_s", "load a saved index, contents checked", "s", 0.23, 0.3),
    Target("bulk_1", "bulk linking, CSV to CSV, 1 process", "clients/s", 9_300, 15_000, False),
    Target("bulk_2", "bulk linking, CSV to CSV, 2 processes", "clients/s", 15_200, 28_000, False),
    Target("linking_mb", "linking process, peak with mapped pages", "MB", 1_200, 700),
    Target("single_p50", "one client in the library, p50", "ms", 1.27, 0.5),
    Target("single_p99", "one client in the library, p99", "ms", 2.27, 1.2),
    Target("http_p50", "one client over HTTP, p50", "ms", 2.1, 1.2),
    Target("http_p99", "one client over HTTP, p99", "ms", 3.9, 2.5),
    Target("read_back_p50", "one client over HTTP, read back, p50", "ms", 3.2, 2.0),
    Target("callers", "sixteen callers over HTTP", "requests/s", 2_050, 4_000, False),
    Target("lists", "lists of 1,000 over HTTP", "clients/s", 18_000, 30_000, False),
    Target("server_mb", "server, both workers, index included (PSS)", "MB", 1_500, 1_000),
    Target("environment", "native environment", "steps/s", 1_130_000, 1_130_000, False),
    Target("ppo", "PPO with the scorer, width 32", "steps/CPU-s", 12_900, 12_900, False),
    Target("fresh_s", "`make train` in a fresh clone, with set-up", "s", 174, 150),
    Target("jp_all_s", "train experiment=jp_all", "s", None, 240),
    Target("jp_own_s", "train experiment=jp_own (no labels)", "s", None, 360),
    Target("image_mb", "serving image", "MB", 333, 350),
)
