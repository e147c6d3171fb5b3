"""The review page in the container reads the server's own variables."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from linkage_rl.decision_log.store import DecisionLog
from serving.review_page import review_settings
from serving.review_settings import PageSettings
from serving.settings import WorkerSettings
from serving.variables import SettingError
from tests.serving.http_client import free_port, send

TOKEN = "a-token-of-sixteen"


def settings_of(**environ: str) -> object:
    page, worker = PageSettings.from_environ(environ), WorkerSettings.from_environ(environ)
    return review_settings(page, worker, environ)


def test_it_has_the_log_the_companies_and_the_bundle_of_the_server(bundle: Path) -> None:
    settings = review_settings(
        PageSettings.from_environ({"LINKAGE_REVIEW_TOKEN": TOKEN}),
        WorkerSettings.from_environ(
            {
                "LINKAGE_LOG_URL": "postgresql://ann@logs/log",
                "LINKAGE_MODEL_DIR": str(bundle),
                "DATABASE_URL": "x",
                "LINKAGE_INDEX_DIR": "/index",
                "LINKAGE_TABLE_MAPPING": '{"table": "crm.firms"}',
            }
        ),
        {"DATABASE_URL": "postgresql://ann:hush@crm/companies"},
    )

    assert settings.log == "postgresql+psycopg://ann:hush@logs/log"
    assert settings.database == "postgresql+psycopg://ann:hush@crm/companies"
    assert (settings.bundle, settings.index, settings.token) == (str(bundle), "/index", TOKEN)
    assert settings.mapping.table == "crm.firms"


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"LINKAGE_REVIEW_TOKEN": TOKEN}, "^LINKAGE_LOG_URL: expected the decision log to review"),
        ({"LINKAGE_LOG_URL": "log.db"}, "^LINKAGE_REVIEW_TOKEN: expected the token"),
        ({"LINKAGE_LOG_URL": "log.db", "LINKAGE_REVIEW_TOKEN": "a b"}, "^LINKAGE_REVIEW_TOKEN: "),
    ],
)
def test_what_it_lacks_is_said_by_its_variable(environ: dict[str, str], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        settings_of(**environ)


def test_it_answers_and_ends_at_sigterm(bundle: Path, tmp_path: Path) -> None:
    with DecisionLog.open(str(tmp_path / "log.db")):
        pass
    port = free_port()
    environ = {
        "LINKAGE_LOG_URL": str(tmp_path / "log.db"),
        "LINKAGE_MODEL_DIR": str(bundle),
        "LINKAGE_REVIEW_TOKEN": TOKEN,
        "LINKAGE_BIND": "127.0.0.1",
        "SAGEMAKER_BIND_TO_PORT": str(port),
    }
    command = [sys.executable, "-m", "serving.review_page"]
    with subprocess.Popen(command, env=os.environ | environ, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 30
            while True:
                try:
                    page = send(f"http://127.0.0.1:{port}/login")
                    break
                except OSError:
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert page.status == 200
    assert "default-src" in page.headers["content-security-policy"]
