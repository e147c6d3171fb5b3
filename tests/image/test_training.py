"""The training contract in a container, and serving the trained model."""

import json
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.image.containers import Container, run_container

pytestmark = pytest.mark.image


def test_a_trained_model_is_served(image: str, train_image: str, tmp_path: Path) -> None:
    small = {"debug": "fast", "seed": "2", "sagemaker_region": '"x"'}
    with _training(train_image, tmp_path, small) as container:
        assert container.wait(240) == 0, container.logs()
        log = container.logs()

    assert "metric test_f1=0." in log
    assert not (tmp_path / "output/failure").exists()
    kept = {path.name for path in (tmp_path / "output/data").iterdir()}
    assert {"metrics.json", "report.html", "learning_curve.png"} <= kept
    with run_container(image, tmp_path / "model") as container:
        clients = [{"client_id": "7", "name": "株式会社山田商店"}]
        body = json.dumps({"mode": "bulk_linkage", "clients": clients}).encode()
        answer = container.send("/invocations", body, {"Content-Type": "application/json"})
        assert answer.json["results"][0]["client_id"] == "7"


def test_a_wrong_hyperparameter_ends_with_the_reason(train_image: str, tmp_path: Path) -> None:
    with _training(
        train_image, tmp_path, {"debug": "fast", "training.total_timestep": "9"}
    ) as container:
        code = container.wait(60)

    reason = (tmp_path / "output/failure").read_text()
    assert code == 2
    assert reason == "unknown key training.total_timestep; did you mean training.total_timesteps?"
    assert not any((tmp_path / "model").iterdir())


def _training(
    train_image: str, root: Path, hyperparameters: dict[str, str]
) -> AbstractContextManager[Container]:
    for name in ("input/config", "model", "output"):
        (root / name).mkdir(parents=True)
    (root / "input/config/hyperparameters.json").write_text(json.dumps(hyperparameters))
    mounts = [f"--volume={root}/{name}:/opt/ml/{name}" for name in ("input", "model", "output")]
    return run_container(train_image, wait=False, command="train", options=tuple(mounts))
