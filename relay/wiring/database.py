"""Which database the relay runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from relay.config.settings import database_path

if TYPE_CHECKING:
    from relay.adapters.sql.postgres import PostgresStore
    from relay.adapters.sql.sqlite import SqliteStore
    from relay.config.settings import Settings

Database: TypeAlias = "SqliteStore | PostgresStore"
"""The store and what only its owner asks of it: to be opened, and whether a relay runs on it."""


def database(settings: Settings, *, exclusive: bool) -> Database:
    """Return the store of a configuration, to be opened. `exclusive`: as a relay that runs on it.

    On a file that is the only one, and another one raises `Conflict`.
    """
    path = database_path(settings)
    if path is None:
        from relay.adapters.sql.postgres import PostgresStore

        return PostgresStore(settings.relay.database, serving=exclusive)
    from relay.adapters.sql.sqlite import SqliteStore

    return SqliteStore(path, exclusive=exclusive)
