"""The store: SQLite or PostgreSQL under the ports of `gateway.ports`, files and keys.

`open_store` is what the composition root calls, after `gateway.store.migrations.migrate`.
"""

from gateway.store.store import SqlStore, open_store

__all__ = ["SqlStore", "open_store"]
