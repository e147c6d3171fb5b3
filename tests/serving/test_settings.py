"""Settings are read from environment variables, and invalid values are refused."""

import json
import re
from pathlib import Path

import pytest

from serving import run_folder
from serving.app import create_app
from serving.live_table import column_mapping
from serving.settings import MAX_PAYLOAD_MB, ServerSettings, WorkerSettings
from serving.variables import SettingError

SERVING = Path(create_app.__code__.co_filename).parent
READERS = ("settings.py", "log_settings.py", "review_settings.py")
"""The modules that read the environment."""


def test_an_empty_environment_serves_the_bundle_without_a_database() -> None:
    settings = WorkerSettings.from_environ({})

    assert settings.model_folder == Path("/opt/ml/model")
    assert not settings.database
    assert not settings.multi_model


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_break_at_the_end_is_no_part_of_a_value(end: str) -> None:
    written = {"SAGEMAKER_BIND_TO_PORT": f"8081{end}", "PGSSLROOTCERT": f"/ca.pem{end}"}

    settings = ServerSettings.from_environ(written)

    assert settings.port == 8081
    assert run_folder.environment(settings, written)["PGSSLROOTCERT"] == "/ca.pem"


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
        ("LINKAGE_LOG_EVIDENCE", "1.5", "expected a number from 0 to 1"),
        ("LINKAGE_LOG_PRIVACY", "none", "expected full or hashes"),
        ("LINKAGE_LOG_RETENTION_DAYS", "-1", "expected a whole number from 0 to 36500"),
        ("SAGEMAKER_MAX_PAYLOAD_IN_MB", "2000", "expected a whole number from 0 to 1024"),
    ],
)
def test_an_invalid_value_is_refused_and_the_variable_named(
    name: str, text: str, words: str
) -> None:
    with pytest.raises(SettingError, match=words) as raised:
        WorkerSettings.from_environ({name: text})

    assert str(raised.value).startswith(name)


def test_a_body_limit_of_zero_is_the_largest_one() -> None:
    """CreateTransformJob hands `MaxPayloadInMB=0`, which stands for no limit, on."""
    environ = {"SAGEMAKER_MAX_PAYLOAD_IN_MB": "0"}

    assert ServerSettings.from_environ(environ).max_body_mb == MAX_PAYLOAD_MB
    assert WorkerSettings.from_environ(environ).max_payload_mb == MAX_PAYLOAD_MB


@pytest.mark.parametrize(
    ("variables", "root"),
    [
        ({}, "/opt/ml"),
        ({"LINKAGE_MODEL_DIR": "/data/bundles/one"}, "/data/bundles"),
        ({"LINKAGE_MODEL_DIR": "/model"}, "/model"),
        ({"LINKAGE_MODEL_DIR": "/model", "LINKAGE_MODEL_ROOT": "/models"}, "/models"),
    ],
)
def test_models_are_loaded_from_beside_the_bundle_unless_a_root_is_given(
    variables: dict[str, str], root: str
) -> None:
    assert WorkerSettings.from_environ(variables).model_root == Path(root)


class TestToken:
    def test_by_default_there_is_none(self) -> None:
        assert WorkerSettings.from_environ({"LINKAGE_TOKEN_FILE": ""}).token == ""

    def test_the_newline_at_the_end_of_a_secret_is_no_part_of_it(self, tmp_path: Path) -> None:
        file = tmp_path / "token"
        file.write_text("s3cret\n")

        assert WorkerSettings.from_environ({"LINKAGE_TOKEN_FILE": str(file)}).token == "s3cret"
        assert WorkerSettings.from_environ({"LINKAGE_TOKEN": "s3cret\r\n"}).token == "s3cret"

    @pytest.mark.parametrize("text", ["", "\n", "s3cret word", "s3crét"])
    def test_one_that_cannot_be_sent_is_refused_and_not_repeated(self, text: str) -> None:
        with pytest.raises(SettingError, match=r"^LINKAGE_TOKEN: expected a token") as raised:
            WorkerSettings.from_environ({"LINKAGE_TOKEN": text})

        assert "s3cr" not in str(raised.value)

    def test_a_missing_file_is_named(self) -> None:
        with pytest.raises(SettingError, match=r"^LINKAGE_TOKEN_FILE: cannot read /no/file: No"):
            WorkerSettings.from_environ({"LINKAGE_TOKEN_FILE": "/no/file"})

    def test_two_tokens_are_refused(self) -> None:
        environ = {"LINKAGE_TOKEN": "one", "LINKAGE_TOKEN_FILE": "two"}

        with pytest.raises(SettingError, match="got both"):
            WorkerSettings.from_environ(environ)

    def test_settings_that_are_printed_do_not_show_it(self) -> None:
        assert "s3cret" not in repr(WorkerSettings.from_environ({"LINKAGE_TOKEN": "s3cret"}))


def test_the_second_port_listens_where_the_first_does_unless_named() -> None:
    environ = {"LINKAGE_BIND": "10.0.0.1", "LINKAGE_ADMIN_PORT": "9090"}

    settings = ServerSettings.from_environ(environ)
    own = ServerSettings.from_environ(environ | {"LINKAGE_ADMIN_BIND": "127.0.0.1"})

    assert (settings.admin_bind, settings.admin_port) == ("10.0.0.1", 9090)
    assert own.admin_bind == "127.0.0.1"
    with pytest.raises(SettingError, match=r"^LINKAGE_ADMIN_PORT: expected another port than 8080"):
        ServerSettings.from_environ({"LINKAGE_ADMIN_PORT": "8080"})


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


def test_the_readme_lists_every_variable() -> None:
    code = "".join((SERVING / name).read_text() for name in READERS)
    page = (SERVING / "README.md").read_text()

    read = set(re.findall(r'"((?:LINKAGE|SAGEMAKER|DB|DATABASE)_[A-Z_]+)"', code))

    # set by the supervisor and by tests of the training contract
    assert {name for name in read if f"`{name}" not in page} <= {
        "LINKAGE_PROCESS",
        "LINKAGE_ML_ROOT",
    }


def test_no_other_module_reads_the_environment_by_name() -> None:
    """The docstring of `settings` promises it; credentials of the database are the exception."""
    reading = re.compile(r"environ(?:\.get\(|\[)\s*['\"](\w+)")
    sources = [path for path in SERVING.glob("*.py") if path.name not in READERS]

    names = {name for path in sources for name in reading.findall(path.read_text())}

    assert names <= {"DB_PASS", "PATH", "PYTHONPATH"}


def test_the_mapping_takes_lists_of_columns_and_what_closes_a_company() -> None:
    text = '{"address": ["a1", "a2"], "closed_when": {"gone": [true]}, "several_rows": true}'
    mapping = column_mapping(WorkerSettings.from_environ({"LINKAGE_TABLE_MAPPING": text}))

    assert (mapping.address, mapping.closed_when) == ("a1+a2", "gone=true")
    assert mapping.several_rows


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", ()),
        (" ", ()),
        ("name", ("name",)),
        ("client_id, name", ("client_id", "name")),
        ("client_id,,name,", ("client_id", "", "name", "")),
    ],
)
def test_columns_of_csv_are_counted_with_those_that_have_no_name(
    text: str, columns: tuple[str, ...]
) -> None:
    assert WorkerSettings.from_environ({"LINKAGE_CSV_COLUMNS": text}).csv_columns == columns


def test_a_long_value_of_a_variable_is_shortened_in_its_message() -> None:
    mapping = json.dumps({"あ" * 50_000: 7})

    with pytest.raises(SettingError, match="LINKAGE_TABLE_MAPPING: expected a JSON") as error:
        WorkerSettings.from_environ({"LINKAGE_TABLE_MAPPING": mapping})

    assert len(str(error.value)) < 500
