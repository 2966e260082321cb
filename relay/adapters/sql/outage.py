"""A database that does not work for a while: what it says becomes `Unavailable`, and goes into the log once."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from relay.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_log: Final = logging.getLogger(__name__)


class Outage:
    """Whether something can be done with a database, as far as was seen.

    `is_away` says of an error whether the database is away; every other one is a bug, and passes. `what` the database
    does then, for the log.
    """

    def __init__(self, is_away: Callable[[Exception], bool], what: str) -> None:
        self._is_away, self._what = is_away, what
        self.lasts = False
        """Whether the last attempt failed."""

    @contextmanager
    def told(self) -> Iterator[None]:
        """Say that the database does not work: to callers each time, to the log once, and once that it works again."""
        try:
            yield
        except Exception as error:
            if not self._is_away(error):
                raise
            # What it says is for the operator alone: it may name users and addresses.
            if not self.lasts:
                _log.error("the database %s: %s", self._what, str(error).strip())
            self.lasts = True
            raise Unavailable from error
        if self.lasts:
            self.lasts = False
            _log.info("the database works again")
