"""The run folder: its own, emptied in place, and refused with a reason if it cannot be written."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from serving.run_folder import nginx_conf, prepare
from serving.settings import ServerSettings
from serving.variables import SettingError
from tests.full_disk import disk_with_room_for
from tests.serving.http_client import free_port


def settings_for(folder: Path) -> ServerSettings:
    """Settings of a server with one worker and this run folder."""
    return ServerSettings(folder, "127.0.0.1", free_port(), 1, 6, refresher=False)


@contextmanager
def holding(lock: int) -> Iterator[None]:
    """Hold the lock of a run folder, as a running server does."""
    try:
        yield
    finally:
        os.close(lock)


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        settings = replace(settings_for(tmp_path / "run"), port=port)

        with pytest.raises(SettingError, match=f"127.0.0.1:{port}, got: Address already in use"):
            prepare(settings)


def test_a_folder_with_other_files_is_left_untouched(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")

    with pytest.raises(SettingError, match="holds other files"):
        prepare(settings_for(tmp_path))

    assert (tmp_path / "letter.txt").read_text() == "dear"


def test_a_run_folder_is_emptied_in_place_since_it_may_be_a_mount(tmp_path: Path) -> None:
    """A mounted folder can neither be removed nor made anew."""
    settings = settings_for(tmp_path)
    (tmp_path / "lost+found").mkdir()
    with holding(prepare(settings)):
        (tmp_path / "models").mkdir()
        (tmp_path / "models/a.json").touch()
    inode = tmp_path.stat().st_ino

    with holding(prepare(settings)):
        pass

    assert tmp_path.stat().st_ino == inode
    assert (tmp_path / "lost+found").is_dir()
    assert not (tmp_path / "models").exists()


def test_the_run_folder_of_another_server_is_left_untouched(tmp_path: Path) -> None:
    with holding(prepare(settings_for(tmp_path))):
        (tmp_path / "worker-1.sock").touch()

        with pytest.raises(SettingError, match=r"another server uses .*; name another"):
            prepare(settings_for(tmp_path))

        assert (tmp_path / "worker-1.sock").exists()


def test_a_server_whose_port_is_taken_touches_no_run_folder(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = replace(settings_for(tmp_path / "run"), admin_port=other.getsockname()[1])

        with pytest.raises(SettingError, match="set LINKAGE_ADMIN_PORT or LINKAGE_ADMIN_BIND"):
            prepare(replace(settings, admin_bind="127.0.0.1"))

    assert not (tmp_path / "run").exists()


def test_a_full_run_folder_is_named_with_what_to_do(tmp_path: Path) -> None:
    with disk_with_room_for(0), pytest.raises(SettingError) as raised:
        prepare(settings_for(tmp_path / "run"))

    assert str(raised.value).startswith(f"LINKAGE_RUN_DIR: cannot write to {tmp_path / 'run'}: ")
    assert "free some space" in str(raised.value)


def test_every_placeholder_of_the_template_is_filled_in() -> None:
    settings = ServerSettings(Path("/run/x"), "::1", 8181, 2, 4, refresher=False)
    template = Path("serving/nginx.conf").read_text()

    filled = nginx_conf(settings, template)

    assert "@" not in filled.split("\n", 2)[2]
    assert "listen [::1]:8181 " in filled
    assert "client_max_body_size 4194304;" in filled
