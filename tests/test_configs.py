"""Every YAML file composes, and becomes the dataclass that its command expects."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from linkage_rl.agents.algorithms import AGENTS, DQNConfig
from linkage_rl.audit import AuditSettings
from linkage_rl.companies import CompaniesSettings
from linkage_rl.config import nodes
from linkage_rl.config.command import CONFIGS, command_line
from linkage_rl.config.launchers import LauncherSettings
from linkage_rl.config.link_settings import LinkSettings
from linkage_rl.config.near_miss import explain
from linkage_rl.deploy import DeploySettings
from linkage_rl.errors import ConfigError
from linkage_rl.evaluate import EvaluateSettings
from linkage_rl.export import ExportSettings
from linkage_rl.forget import ForgetSettings
from linkage_rl.learn import LearnSettings
from linkage_rl.log import LogSettings
from linkage_rl.review import ReviewCommand
from linkage_rl.train import COMPONENTS, TrainSettings
from linkage_rl.training.settings import RunSettings

GROUPS = (
    *("agent", "candidates", "debug", "env", "experiment", "lists"),
    *("logger", "paths", "reward", "schema", "sweep", "table", "training"),
)
CHOICES = [
    f"{group}={path.stem}" for group in GROUPS for path in sorted((CONFIGS / group).glob("*.yaml"))
]


@pytest.fixture(autouse=True)
def hydra() -> Iterator[None]:
    nodes.register("train", TrainSettings, COMPONENTS)
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        yield
    HydraConfig.instance().cfg = None


KNOWN = tuple(nodes.dotted_keys(TrainSettings, COMPONENTS))


def composed(name: str, *words: str) -> DictConfig:
    everything = compose(name, list(words), return_hydra_config=True)
    HydraConfig.instance().set_config(everything)
    with open_dict(everything), read_write(everything):
        everything.pop("hydra")
    return everything


def train_settings(*words: str) -> TrainSettings:
    return nodes.settings(composed("train", *words), TrainSettings)


def refusal(*words: str) -> str:
    with pytest.raises(Exception) as error:  # noqa: PT011 - Hydra wraps errors in many classes
        train_settings(*words)
    if isinstance(error.value, ConfigError):
        return str(error.value)
    return explain(error.value, KNOWN)


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_of_every_group_becomes_settings(choice: str) -> None:
    assert isinstance(train_settings(choice), RunSettings)


def test_no_group_is_left_out_of_the_tests() -> None:
    folders = {path.name for path in CONFIGS.iterdir() if path.is_dir()}

    # those of a suite are composed in tests/experiments
    assert folders == {*GROUPS, "hydra", "launcher", "suite"}


def test_one_argument_links_a_list_on_a_ray_cluster() -> None:
    nodes.register("link", LinkSettings, {})
    words = ("bundle=b", "clients=c", "output=o", "launcher=ray", "launcher.address=head:6379")

    launcher = nodes.settings(composed("link", *words), LinkSettings).launcher

    assert launcher == LauncherSettings("ray", "head:6379")


@pytest.mark.parametrize("name", AGENTS)
def test_every_algorithm_has_its_own_settings(name: str) -> None:
    settings = train_settings(f"agent={name}")

    assert type(settings.agent) is AGENTS[name]
    assert settings.agent == AGENTS[name]()
    assert settings.agent_name == name


def test_without_arguments_the_configuration_is_the_defaults_of_the_dataclasses() -> None:
    assert train_settings() == TrainSettings(cache=train_settings().cache)


def test_an_override_reaches_the_dataclass_with_its_type() -> None:
    settings = train_settings("env.max_candidates=30", "candidates.costs.phone=0", "seed=7")

    assert settings.env.max_candidates == 30
    assert settings.candidates.costs.phone == 0.0
    assert settings.seed == 7


def test_datasets_of_lists_are_named_by_the_user() -> None:
    words = [f"clients.{split}={{crm: {split}.csv}}" for split in ("train", "valid", "test")]

    assert train_settings(*words).clients.valid == {"crm": "valid.csv"}


def test_all_real_lists_are_learned_together_from_the_data_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LINKAGE_RL_DATA", "/data")

    settings = train_settings("experiment=jp_all")

    assert settings.table.source == "/data/companies.parquet"
    assert settings.clients.train == {
        "moves": "/data/moves_train.csv",
        "payees": "/data/payees_train.csv",
    }
    assert settings.experiment == "jp_all"


def test_lists_of_names_only_use_name_blockers_only() -> None:
    blockers = train_settings("experiment=jp_payees").candidates.blockers()

    assert [blocker.name for blocker in blockers] == ["name", "core", "kana", "ngram"]


def test_the_former_name_blocker_is_used_unless_the_table_has_no_former_names() -> None:
    def uses(*words: str) -> bool:
        blockers = train_settings(*words).candidates.blockers()
        return "former_name" in [blocker.name for blocker in blockers]

    assert uses()
    assert uses("candidates=names_only")
    assert not any(uses(f"experiment=jp_{lists}") for lists in ("all", "moves", "payees"))


@pytest.mark.parametrize("path", sorted((CONFIGS / "experiment").glob("*.yaml")))
def test_every_experiment_opens_with_its_question_and_its_command(path: Path) -> None:
    first, question, command, *_ = path.read_text(encoding="utf-8").splitlines()

    assert first == "# @package _global_"
    assert question.startswith("# Question: ")
    assert question.endswith("?")
    assert command.startswith("# Run:      make train")


@pytest.mark.parametrize(
    ("name", "schema", "needed"),
    [
        ("companies", CompaniesSettings, ()),
        ("link", LinkSettings, ("bundle=b", "clients=c", "output=o")),
        ("evaluate", EvaluateSettings, ("bundle=b", "clients=c")),
        ("audit", AuditSettings, ("log=l",)),
        ("learn", LearnSettings, ("bundle=b", "output=o")),
        ("export", ExportSettings, ("run=r", "output=o")),
        ("log", LogSettings, ("log=l",)),
        ("forget", ForgetSettings, ("log=l",)),
        ("review", ReviewCommand, ("log=l",)),
        ("deploy", DeploySettings, ()),
    ],
)
def test_the_other_commands_compose(name: str, schema: type, needed: tuple[str, ...]) -> None:
    nodes.register(name, schema, {})

    assert isinstance(nodes.settings(composed(name, *needed), schema), schema)


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("candidates.limits=3", "unknown key candidates.limits; did you mean candidates.limit?"),
        (
            "candidates.topk=3",
            "unknown key candidates.topk; candidates has limit, max_rows, costs, ngram",
        ),
        ("max_candidates=3", "unknown key max_candidates; did you mean env.max_candidates?"),
        ("candidates.limit=three", "candidates.limit expects a whole number, got 'three'"),
        ("reward.wrong_link=much", "reward.wrong_link expects a number, got 'much'"),
        ("env.allow_review=perhaps", "env.allow_review expects true or false, got 'perhaps'"),
        ("reward.wrong_link=2", "reward.wrong_link must lie below correct_link and correct_rejec"),
        ("agent=pp", "unknown choice agent=pp; did you mean agent=ppo? There are dqn, maskable_"),
        ("agent.n_enws=3", "unknown key agent.n_enws; did you mean agent.n_envs?"),
        ("env=3", "a group takes the name of one of its choices, got a number or null"),
        ("+env.max_candidate=3", "unknown key env.max_candidate; did you mean env.max_candidates?"),
        ("+nonsense=3", "unknown key nonsense"),
        ("seed=null", "seed needs a value, got null"),
        ("table.mapping=3", "table.mapping is a group of keys; set one of them"),
    ],
)
def test_a_wrong_argument_is_refused_with_what_was_perhaps_meant(word: str, sentence: str) -> None:
    assert refusal(word).startswith(sentence)


def test_a_component_from_outside_is_named_by_its_target() -> None:
    config = composed("train")
    OmegaConf.set_struct(config, False)
    config.agent = {"_target_": "linkage_rl.agents.algorithms.DQNConfig", "batch_size": 128}

    agent = nodes.settings(config, TrainSettings).agent

    assert agent == DQNConfig(batch_size=128)


def test_a_key_without_its_environment_variable_is_named() -> None:
    config = composed("train", "table.database=${oc.env:NO_SUCH_VARIABLE}")

    with pytest.raises(OmegaConfBaseException) as error:
        nodes.settings(config, TrainSettings)

    assert "NO_SUCH_VARIABLE" in explain(error.value)


def test_the_command_line_is_kept_as_it_was_typed() -> None:
    assert command_line("train", ["seed=2"]) == "python -m linkage_rl.train seed=2"
