"""The tables of the database: which there are, who works with them, and bringing them up to date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.adapters.sql.schema import migrations, newest
from relay.config.settings import database_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from relay.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Tables:
    """Versions of the schema are numbers of migrations.

    `version` is the newest that was applied, `known` the newest of this relay, `pending` how many are to be applied,
    `compatible_from` the oldest whose relays may run on it, and `relays` those that run now: 0 for one that does not
    say.
    """

    version: int
    pending: int
    compatible_from: int
    relays: Sequence[int]

    @property
    def known(self) -> int:
        """The newest version that this relay knows."""
        return newest()


async def tables_of(settings: Settings) -> Tables:
    """Look at the tables, and change nothing. Raises `Unavailable`, `Refused`."""
    path = database_path(settings)
    if path is not None:
        return _of_file(path)
    from relay.adapters.sql.upgrading import opened, schema, serving

    async with opened(settings.relay.database) as connection:
        found, relays = await schema(connection), await serving(connection)
    version = max(found.applied, default=0)
    return Tables(version, found.pending, found.compatible_from, sorted(relays.values()))


async def bring_up_to_date(settings: Settings) -> int:
    """Apply what the database has not seen; return how many migrations that were. Raises `Unavailable`, `Refused`."""
    path = database_path(settings)
    if path is not None:
        from relay.adapters.sql.sqlite import SqliteStore

        before = _of_file(path).pending
        async with SqliteStore(path):
            return before  # opening it applies them
    from relay.adapters.sql.upgrading import migrate, opened, refuse_unfinished

    async with opened(settings.relay.database) as connection:
        await refuse_unfinished(connection)
        return await migrate(connection)


def _of_file(path: Path) -> Tables:
    from relay.adapters.sql.contents import reading
    from relay.adapters.sql.lockfile import LockFile

    version = 0
    if path.is_file():
        with reading(path, alone=False) as contents:
            version = contents.version
    pending = sum(number > version for number, _ in migrations())
    return Tables(version, pending, 0, [version] if LockFile(path).is_taken() else [])
