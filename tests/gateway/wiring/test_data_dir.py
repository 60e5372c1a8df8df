"""The data folder: made when it can be, refused in one line when not, and held by one process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.settings import Settings
from gateway.wiring.data_dir import StartError, hold_data_dir, prepare_data_dir
from gateway.wiring.storage import key_path, open_storage


def line_of(error: pytest.ExceptionInfo[StartError]) -> str:
    """What the operator reads, which must be one line."""
    line = str(error.value)
    assert "\n" not in line
    return line


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "some" / "where"
    prepare_data_dir(folder)
    assert folder.is_dir()
    assert list(folder.iterdir()) == [], "the proof leaves nothing behind"


@pytest.mark.parametrize("below", ["", "below", "far/below"])
def test_a_file_in_the_way_is_named(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StartError) as error:
        prepare_data_dir(tmp_path / "file" / below)
    assert line_of(error).startswith("YINGDA_DATA_DIR: ")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_in_which_nothing_can_be_made_is_named() -> None:
    with pytest.raises(StartError) as error:
        prepare_data_dir(Path("/proc/self/net"))
    assert "/proc/self/net cannot be written" in line_of(error)


def test_a_second_process_is_refused_with_the_first_ones_pid(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys; from gateway.wiring.data_dir import hold_data_dir;"
        "held = hold_data_dir(pathlib.Path(sys.argv[1])); print('held', flush=True);"
        "sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(StartError) as error:
        hold_data_dir(tmp_path)
    assert f"(pid {holder.pid})" in line_of(error)
    assert "YINGDA_DATA_DIR" in line_of(error)
    holder.kill()
    holder.communicate()
    with hold_data_dir(tmp_path):  # a dead one's lock is gone with it
        assert (tmp_path / "yingda.lock").read_text() == str(os.getpid())


def test_the_folder_is_free_again_once_it_was_let_go(tmp_path: Path) -> None:
    first = hold_data_dir(tmp_path)
    with pytest.raises(StartError):
        hold_data_dir(tmp_path)
    first.close()
    hold_data_dir(tmp_path).close()


def test_a_lock_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "yingda.lock").mkdir()
    with pytest.raises(StartError) as error:
        hold_data_dir(tmp_path)
    assert "yingda.lock" in line_of(error)


async def test_storage_opens_once_and_again(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    first = open_storage(settings)
    sealed = first.keys.box.seal("secret")
    await first.store.close()
    again = open_storage(settings)
    assert again.keys.box.open(sealed) == "secret", "the key stays"
    await again.store.check()
    await again.store.close()


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    key_path(settings).write_bytes(b"k" * 32)
    key_path(settings).chmod(0o644)
    with pytest.raises(StartError) as error:
        open_storage(settings)
    assert f"chmod 600 {key_path(settings)}" in line_of(error)


def test_a_database_address_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError) as error:
        open_storage(Settings(data_dir=tmp_path, database_url="sqlite://"))
    assert line_of(error).startswith("YINGDA_DATABASE_URL: ")
