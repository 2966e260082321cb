"""No network inside a transaction: the one rule that two adapters have to keep together.

A transaction that waits for another server holds a connection (SQLite: the only writer) for as long as a
stranger likes. The store marks the tasks that are inside one, the network adapters refuse to run in them.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

in_transaction: ContextVar[bool] = ContextVar("in_transaction", default=False)
"""Whether the current task is inside a `Store` transaction. Tasks that it starts inherit the answer."""


@contextmanager
def transaction() -> Iterator[None]:
    """Mark the calling task as inside a transaction; for the store, around BEGIN to COMMIT or ROLLBACK."""
    mark = in_transaction.set(True)
    try:
        yield
    finally:
        in_transaction.reset(mark)


def refuse_in_transaction() -> None:
    """Raise RuntimeError if the calling task is inside a transaction: a bug, not an outcome."""
    if in_transaction.get():
        raise RuntimeError("no network inside a transaction")
