"""The engine that work is distributed over is chosen by name; a missing Ray is one sentence."""

import sys

import pytest

from linkage_rl.config.launchers import LauncherSettings, ray_module
from linkage_rl.errors import ConfigError


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"launcher\.engine among \['processes', 'ray'\]"):
        LauncherSettings("spark")


def test_a_negative_number_of_retries_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"launcher\.retries must be at least 0, got -1"):
        LauncherSettings(retries=-1)


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "linkage_rl.config.on_ray", raising=False)
    monkeypatch.setitem(sys.modules, "ray", None)

    with pytest.raises(ConfigError, match="ray is not installed; make setup-extras, or pip inst"):
        ray_module("linkage_rl.config.on_ray")
