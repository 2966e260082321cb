"""The queries of `queries/*.sql`, bound to one connection.

aiosql reads the files; what runs them is a driver of the database. That of SQLite is here: it spends one hop to the
database thread per query where the stock one spends three. That of PostgreSQL is in `dialect`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import aiosql

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import aiosqlite

    Row = Mapping[str, Any]

Change: TypeAlias = "tuple[str, Mapping[str, object] | Sequence[Mapping[str, object]]]"
"""The name of a change, and its parameters or those of each of its rows."""

_FOLDER: Final = Path(__file__).parent / "queries"


class _Driver:
    """aiosql's driver protocol over aiosqlite."""

    is_aio_driver = True

    def process_sql(self, _name: str, _kind: object, sql: str) -> str:
        return sql

    async def select(
        self, conn: aiosqlite.Connection, _name: str, sql: str, parameters: Any, _record_class: object = None
    ) -> AsyncIterator[Row]:
        for row in await conn.execute_fetchall(sql, parameters):
            yield row  # type: ignore[misc]

    async def select_one(
        self, conn: aiosqlite.Connection, _name: str, sql: str, parameters: Any, _record_class: object = None
    ) -> Row | None:
        rows = list(await conn.execute_fetchall(sql, parameters))
        return rows[0] if rows else None  # type: ignore[return-value]

    async def select_value(
        self, conn: aiosqlite.Connection, _name: str, sql: str, parameters: Any
    ) -> object | None:
        rows = list(await conn.execute_fetchall(sql, parameters))
        return rows[0][0] if rows else None

    async def insert_returning(
        self, conn: aiosqlite.Connection, _name: str, sql: str, parameters: Any
    ) -> object:
        rows = list(await conn.execute_fetchall(sql, parameters))
        return rows[0][0]

    async def insert_update_delete(
        self, conn: aiosqlite.Connection, _name: str, sql: str, parameters: Any
    ) -> int:
        return (await conn.execute(sql, parameters)).rowcount

    async def insert_update_delete_many(
        self, conn: aiosqlite.Connection, _name: str, sql: str, parameters: Any
    ) -> None:
        await conn.executemany(sql, parameters)


def load(driver: type[object]) -> Any:
    """Read every query, to be run by a driver: aiosql's protocol by structure."""
    return aiosql.from_path(_FOLDER, driver, mandatory_parameters=False)  # type: ignore[arg-type]


_LOADED: Final = load(_Driver)


class Queries:
    """Every named query, on one connection. Names and parameters are those of the .sql files.

    `loaded` are the queries for the connection's database (`load`).
    """

    def __init__(self, connection: object, loaded: Any = _LOADED) -> None:
        self._connection, self._loaded = connection, loaded

    async def rows(self, name: str, /, **parameters: object) -> list[Row]:
        """Run a query that gives rows."""
        return [row async for row in getattr(self._loaded, name)(self._connection, **parameters)]

    async def row(self, name: str, /, **parameters: object) -> Row | None:
        """Run a query that gives one row or none."""
        found: Row | None = await getattr(self._loaded, name)(self._connection, **parameters)
        return found

    async def value(self, name: str, /, **parameters: object) -> Any:
        """Run a query that gives one value, None without a row."""
        return await getattr(self._loaded, name)(self._connection, **parameters)

    async def run(self, name: str, /, **parameters: object) -> int:
        """Run a change; return the number of rows it touched."""
        touched: int = await getattr(self._loaded, name)(self._connection, **parameters)
        return touched

    async def many(self, name: str, /, rows: Sequence[Mapping[str, object]]) -> None:
        """Run a change once per row, in one hop; nothing for no rows."""
        if rows:
            await getattr(self._loaded, name)(self._connection, rows)

    async def all(self, *changes: Change) -> None:
        """Run changes in this order, of which none needs what another gives: all are on their way before one is done.

        So they cost one wait for the database together, and not one each.
        """
        # Each puts its statement into the queue of the database's thread when it begins, and they begin in this order.
        await asyncio.gather(*map(self._change, changes))

    async def _change(self, change: Change) -> None:
        name, about = change
        if isinstance(about, Mapping):
            await self.run(name, **about)
        else:
            await self.many(name, about)
