"""Settings are read from environment variables, and invalid values are refused."""

import re
from pathlib import Path

import pytest

from serving.app import create_app
from serving.readback import column_mapping
from serving.settings import ServerSettings, SettingError, WorkerSettings

SERVING = Path(create_app.__code__.co_filename).parent


def test_an_empty_environment_serves_the_bundle_without_a_database() -> None:
    settings = WorkerSettings.from_environ({})

    assert settings.model_folder == Path("/opt/ml/model")
    assert not settings.database
    assert not settings.multi_model


def test_the_index_is_kept_in_the_run_folder_by_default() -> None:
    assert WorkerSettings.from_environ({"LINKAGE_RUN_DIR": "run"}).index_folder == Path("run/index")
    assert WorkerSettings.from_environ({"LINKAGE_INDEX_DIR": "volume"}).index_folder == Path(
        "volume"
    )


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("LINKAGE_REFRESH_S", "soon", "expected a number above 0, got 'soon'"),
        ("LINKAGE_DATABASE_QPS", "-1", "expected a number above 0"),
        ("LINKAGE_MAX_CLIENTS", "0", "expected a whole number of 1 or more"),
        ("LINKAGE_ON_DATABASE_DOWN", "panic", "expected stale or fail"),
        ("SAGEMAKER_MULTI_MODEL", "maybe", "expected true or false"),
        ("LINKAGE_TABLE_MAPPING", "name=x", "expected a JSON object of column names"),
        ("LINKAGE_TABLE_MAPPING", '{"name": 1}', "expected a JSON object of column names"),
        ("SAGEMAKER_MAX_PAYLOAD_IN_MB", "2000", "expected a whole number from 1 to 1024"),
    ],
)
def test_an_invalid_value_is_refused_and_the_variable_named(
    name: str, text: str, words: str
) -> None:
    with pytest.raises(SettingError, match=words) as raised:
        WorkerSettings.from_environ({name: text})

    assert str(raised.value).startswith(name)


def test_the_columns_of_a_users_own_table_are_mapped() -> None:
    settings = WorkerSettings.from_environ(
        {"LINKAGE_TABLE_MAPPING": '{"table": "crm.firms", "name": "会社名"}'}
    )

    mapping = column_mapping(settings)
    assert mapping.table == "crm.firms"
    assert mapping.name == "会社名"


def test_the_mapping_names_a_table_of_sites() -> None:
    text = '{"several_rows": true, "sites": {"table": "offices", "address": ["place", "lot"]}}'

    mapping = column_mapping(WorkerSettings.from_environ({"LINKAGE_TABLE_MAPPING": text}))

    assert mapping.several_rows
    assert (mapping.sites.table, mapping.sites.address) == ("offices", "place+lot")


def test_a_mapping_of_an_unknown_column_is_refused_before_the_server_starts() -> None:
    settings = WorkerSettings.from_environ({"LINKAGE_TABLE_MAPPING": '{"title": "x"}'})

    with pytest.raises(SettingError, match=r"^LINKAGE_TABLE_MAPPING: .* got \['title'\]"):
        create_app(settings)


def test_supervisor_and_workers_agree_on_what_both_read() -> None:
    environ = {"LINKAGE_RUN_DIR": "/run/x", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "7", "DB_HOST": "db"}

    server = ServerSettings.from_environ(environ)
    worker = WorkerSettings.from_environ(environ)

    assert (server.run_folder, server.max_body_mb, server.refresher) == (Path("/run/x"), 7, True)
    assert (worker.run_folder, worker.max_payload_mb, worker.database) == (Path("/run/x"), 7, True)


def test_no_other_module_reads_the_environment_by_name() -> None:
    """The docstring of `settings` promises it; credentials of the database are the exception."""
    reading = re.compile(r"environ(?:\.get\(|\[)\s*['\"](\w+)")
    sources = [path for path in SERVING.glob("*.py") if path.name != "settings.py"]

    names = {name for path in sources for name in reading.findall(path.read_text())}

    assert names <= {"DB_PASS", "PATH", "PYTHONPATH"}


def test_the_mapping_takes_lists_of_columns_and_what_closes_a_company() -> None:
    text = '{"address": ["a1", "a2"], "closed_when": {"gone": [true]}, "several_rows": true}'
    mapping = column_mapping(WorkerSettings.from_environ({"LINKAGE_TABLE_MAPPING": text}))

    assert (mapping.address, mapping.closed_when) == ("a1+a2", "gone=true")
    assert mapping.several_rows
