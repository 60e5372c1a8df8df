"""What lies in the data folder: keys, files, and the database it opens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.settings import Settings
from gateway.store import SqlStore, open_store
from gateway.store.blobs import DirectoryBlobs
from gateway.store.keys import KeyFileError, Keys, load_keys
from gateway.store.migrations import NewerDatabaseError, migrate
from gateway.wiring.data_dir import StartError, prepare_data_dir


@dataclass(frozen=True, slots=True)
class Storage:
    """Opened and up to date."""

    store: SqlStore
    blobs: DirectoryBlobs
    keys: Keys


def key_path(settings: Settings) -> Path:
    """The key file's place: losing it loses the stored secrets."""
    return settings.data_dir / "yingda.key"


def open_storage(settings: Settings) -> Storage:
    """Opens the data folder and brings the database up to date.

    Raises:
        StartError: the folder, the key or the database cannot be used; says what to do.
        StoreUnavailableError: the database does not answer.
    """
    prepare_data_dir(settings.data_dir)
    try:
        keys = load_keys(key_path(settings))
        migrate(settings.database)
        return Storage(
            store=open_store(settings.database, secrets=keys.box),
            blobs=DirectoryBlobs(settings.data_dir / "blobs"),
            keys=keys,
        )
    except (KeyFileError, NewerDatabaseError) as error:
        raise StartError(str(error)) from error
    except ValueError as error:
        raise StartError(f"YINGDA_DATABASE_URL: {error}") from error
