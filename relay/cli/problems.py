"""What a command says when it cannot do what was asked: a sentence, a stable code, an exit status."""

from __future__ import annotations

import errno
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import click

from relay.domain.errors import (
    Conflict,
    Malformed,
    NotFound,
    RelayError,
    RemoteError,
    Unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


class Status(IntEnum):
    """Exit statuses; 69 and 78 are those of sysexits.h."""

    DONE = 0
    NO = 1
    USAGE = 2
    UNAVAILABLE = 69
    CONFIGURATION = 78
    INTERRUPTED = 130


_STATUSES: Final = {
    "already-running": Status.UNAVAILABLE,
    "address-in-use": Status.UNAVAILABLE,
    "no-database": Status.CONFIGURATION,
    "newer-database": Status.CONFIGURATION,
    "unfinished-copy": Status.CONFIGURATION,
    "older-running": Status.UNAVAILABLE,
    "bad-list": Status.CONFIGURATION,
    "invalid-configuration": Status.CONFIGURATION,
    "no-configuration": Status.CONFIGURATION,
    "no-answer": Status.UNAVAILABLE,
}


class Problem(click.ClickException):
    """A command cannot do what was asked.

    `code` is stable; `more` is added to the JSON problem. Raised anywhere below a command.
    """

    def __init__(
        self, message: str, *, code: str, status: Status, more: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.code, self.status, self.more = code, status, dict(more or {})


def expected() -> tuple[type[Exception], ...]:
    """Return what `problem_of` makes a sentence of; anything else is a bug and keeps its traceback."""
    import sqlite3

    return (RelayError, OSError, sqlite3.Error)


def sole(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the only error in nested groups, which task groups make of it; the group itself if there are more."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        if len(error.exceptions) > 1:
            return group
        error = error.exceptions[0]
    return error


def problem_of(error: Exception) -> Problem:
    """Return the problem that one of the `expected` errors is."""
    if isinstance(error, RelayError):
        return _of_relay_error(error)
    if isinstance(error, OSError):
        code = "address-in-use" if error.errno == errno.EADDRINUSE else "system"
        named = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        return Problem(named, code=code, status=Status.UNAVAILABLE)
    message = f"the database does not answer as it should: {error}"
    return Problem(message, code="database", status=Status.UNAVAILABLE)


def _of_relay_error(error: RelayError) -> Problem:
    diagnostics = getattr(error, "diagnostics", None)
    found = [one if isinstance(one, dict) else one.as_json() for one in diagnostics or ()]
    more = {"diagnostics": found} if found else None
    if (status := _STATUSES.get(error.code)) is None:
        unavailable = error.temporary or isinstance(error, RemoteError)
        answered = isinstance(error, NotFound | Conflict | Malformed)
        status = Status.UNAVAILABLE if unavailable and not answered else Status.NO
    why = error.__cause__ if isinstance(error, Unavailable) else None
    said = str(error) if why is None else f"the database does not answer as it should: {why}"
    return Problem(said.rstrip("\n"), code=error.code, status=status, more=more)


def report(error: click.ClickException, *, as_json: bool) -> int:
    """Say on standard error what is wrong, as JSON when asked for; return the exit status."""
    status = error.status if isinstance(error, Problem) else error.exit_code
    if as_json:
        import json

        code = error.code if isinstance(error, Problem) else "usage"
        problem: dict[str, object] = {"code": code, "detail": error.format_message(), "exit": int(status)}
        problem |= error.more if isinstance(error, Problem) else {}
        click.echo(json.dumps(problem, indent=2), err=True)
    elif isinstance(error, Problem) and "\n" in error.message:
        click.echo(error.message, err=True)  # many findings, each with its place
    else:
        error.show()
    return int(status)
