import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from linkage_rl.bundle import Golden
from linkage_rl.deploying.release import Release, TrainingPlan, repeat_release, select_golden
from linkage_rl.errors import ConfigError
from linkage_rl.records import DecisionKind
from tests.deploy.releases import GOLDEN, SHAS, image, release


def golden(number: int, kind: DecisionKind, confidence: float) -> Golden:
    company = f"c{number}" if kind == DecisionKind.LINK else ""
    return Golden(f"g{number}", {"name": "a"}, kind, company, confidence)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    clients = [
        golden(1, DecisionKind.LINK, 0.9),
        golden(2, DecisionKind.LINK, 0.99),
        golden(3, DecisionKind.LINK, 0.8),
        golden(4, DecisionKind.NO_MATCH, 0.7),
        golden(5, DecisionKind.REVIEW, 0.95),
    ]
    lines = "\n".join(json.dumps(asdict(one)) for one in clients)
    (tmp_path / "golden.jsonl").write_text(lines, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("limit", "chosen"),
    [
        (2, ["g2", "g5"]),
        (3, ["g2", "g1", "g5"]),
        (4, ["g2", "g1", "g5", "g4"]),
        (5, ["g2", "g1", "g3", "g5", "g4"]),
        (20, ["g2", "g1", "g3", "g5", "g4"]),
    ],
)
def test_half_of_the_golden_clients_are_links_by_confidence(
    limit: int, chosen: list[str], bundle: Path
) -> None:
    assert [one.client_id for one in select_golden(bundle, limit)] == chosen


def test_the_input_has_clients_in_the_servers_format_and_the_expected_answers() -> None:
    content = release(SHAS[0] + "f" * 28)

    assert content["sha"] == SHAS[0]
    assert content["golden"] == {
        "clients": [
            {"client_id": "g1", "name": "株式会社青空商事"},
            {"client_id": "g2", "name": "鈴木組"},
        ],
        "expected": [
            {"client_id": "g1", "decision": "link", "company_id": "c1"},
            {"client_id": "g2", "decision": "no_match", "company_id": ""},
        ],
        "tolerated": 0,
    }
    assert "train" not in content


@pytest.mark.parametrize(
    ("model", "test_model", "kind", "compression"),
    [
        ("", "", "image", ""),
        ("s3://b/bundles/1/model.tar.gz", "", "data", "Gzip"),
        ("s3://b/bundles/1/", "", "data", "None"),
        ("s3://b/customers/", "acme.tar.gz", "many", ""),
    ],
)
def test_the_kind_of_model_is_derived_from_its_uri(
    model: str, test_model: str, kind: str, compression: str
) -> None:
    content = release(model=model, test_model=test_model)["model"]

    assert (content["kind"], content["compression"]) == (kind, compression)


def test_an_earlier_release_is_repeated_with_the_model_that_it_trained() -> None:
    content = release() | {"train": {"image": image("e")}}
    trained = {"kind": "data", "uri": "s3://artifacts/training/1/output/model/"}

    repeated = repeat_release(content, trained)

    assert repeated["model"] == trained
    assert "train" not in repeated
    assert repeated["golden"] == content["golden"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sha": "main"}, "give sha="),
        ({"image": "linkage_rl:abc"}, "take what scripts/build_and_push.sh prints"),
        ({"golden": ()}, "give bundle=DIR"),
        ({"tolerated": 2}, "a test that tolerates everything tests nothing"),
        ({"model": "/tmp/bundle"}, "upload it"),
        ({"test_model": "acme.tar.gz"}, "give the prefix of the customers' bundles"),
    ],
)
def test_an_invalid_release_is_refused_with_what_to_give(
    changed: dict[str, object], message: str
) -> None:
    valid: dict[str, object] = {"sha": SHAS[0], "image": image("a"), "golden": GOLDEN}

    with pytest.raises(ConfigError, match=message):
        Release(**(valid | changed))  # type: ignore[arg-type]


def test_a_training_plan_names_the_channel_without_a_uri() -> None:
    with pytest.raises(ConfigError, match="channel evaluation needs a URI like s3://BUCKET"):
        TrainingPlan(image("e"), "1", "", {"train": "s3://b/data/train/"})
    with pytest.raises(ConfigError, match=r"train\.run: expected 1 to 14 letters and digits"):
        TrainingPlan(image("e"), "2026-01-31", "s3://b/data/evaluation/")


def test_the_command_needs_neither_torch_nor_the_training_libraries() -> None:
    heavy = "('torch', 'gymnasium', 'stable_baselines3', 'onnx', 'rich')"
    code = f"import sys, linkage_rl.deploy; print([m for m in {heavy} if m in sys.modules])"

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ended.stdout == "[]\n"
