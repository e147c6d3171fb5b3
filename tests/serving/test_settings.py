"""The environment is read once, and refused where it makes no sense."""

from pathlib import Path

import pytest

from linkage_rl.errors import ConfigError
from serving.settings import Settings


def test_an_empty_environment_serves_the_bundle_without_a_database() -> None:
    settings = Settings.of({})

    assert settings.model_folder == Path("/opt/ml/model")
    assert not settings.database
    assert not settings.multi_model


def test_the_run_folder_holds_the_index_unless_told_otherwise() -> None:
    assert Settings.of({"LINKAGE_RUN_DIR": "run"}).index_folder == Path("run/index")
    assert Settings.of({"LINKAGE_INDEX_DIR": "volume"}).index_folder == Path("volume")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("LINKAGE_REFRESH_S", "soon", "expected a number above 0, got 'soon'"),
        ("LINKAGE_DATABASE_QPS", "-1", "expected a number above 0"),
        ("LINKAGE_MAX_CLIENTS", "0", "expected a whole number of 1 or more"),
        ("LINKAGE_ON_DATABASE_DOWN", "panic", "expected stale or fail"),
        ("SAGEMAKER_MULTI_MODEL", "maybe", "expected true or false"),
        ("LINKAGE_TABLE_MAPPING", '{"title": "x"}', "expected a JSON object of column names"),
    ],
)
def test_nonsense_is_refused_with_the_variable_named(name: str, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as raised:
        Settings.of({name: text})

    assert str(raised.value).startswith(name)


def test_a_users_own_table_is_mapped() -> None:
    settings = Settings.of({"LINKAGE_TABLE_MAPPING": '{"table": "crm.firms", "name": "会社名"}'})

    assert settings.mapping.table == "crm.firms"
    assert settings.mapping.name == "会社名"
