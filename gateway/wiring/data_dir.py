"""The data folder: made, checked, and held by one process where only one may use it."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path
from typing import IO


class StartError(Exception):
    """The process cannot start; the message says why and what to do, on one line."""


def prepare_data_dir(folder: Path) -> None:
    """Makes the folder and proves that it can be written.

    Raises:
        StartError: it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StartError(
            f"YINGDA_DATA_DIR: {folder} cannot be written ({error.strerror}). "
            "Give the folder to the account that runs yingda, or name another one."
        ) from error


def require_data_dir(folder: Path) -> None:
    """For commands that only look: they make nothing.

    Raises:
        StartError: the folder is not there.
    """
    if not folder.is_dir():
        raise StartError(
            f"YINGDA_DATA_DIR: there is no folder {folder}. `yingda serve` makes it; or name "
            "the one that it uses."
        )


def hold_data_dir(folder: Path) -> IO[str]:
    """Takes the folder for this process until it ends or closes what is returned.

    The embedded bus keeps what is in hand in memory, so two processes on one folder would
    handle messages twice.

    Raises:
        StartError: another process has it, or the lock file cannot be used.
    """
    path = folder / "yingda.lock"
    try:
        file = path.open("a+", encoding="ascii")
    except OSError as error:
        raise StartError(f"{path} cannot be used ({error.strerror}). Remove it.") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise StartError(
            f"{folder} is in use by another yingda process (pid {holder}). "
            "Stop it, or set YINGDA_DATA_DIR to another folder."
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
