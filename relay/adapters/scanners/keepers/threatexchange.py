"""Meta's ThreatExchange: the signals of one privacy group, by `GET /{group}/threat_updates` of the Graph API.

A signal comes with the opinions about it. `should_delete` takes it back, which is told for ninety days; a signal that
everybody calls harmless is not used. The address of the next page holds the access token: only the rest of its query is
kept. Being asked too often comes as 400 with a code, not as 429.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson
from pydantic import Field

from relay.adapters.scanners.listrows import Reading, Unused, item_changes
from relay.adapters.scanners.services.connection import Answer, bad_answer
from relay.domain.errors import RemoteError
from relay.domain.listsync import Page, Statement

if TYPE_CHECKING:
    from relay.adapters.scanners.services.connection import ServiceConnection

LARGEST: Final = 16 << 20
PAGE: Final = 500
PATIENCE: Final = 3600.0
MEMORY: Final = 90 * 86_400.0
"""Seconds for which it is told that a signal was taken back."""
FIELDS: Final = "id,indicator,type,last_updated,should_delete,descriptors{owner{id},status,tags}"
TOO_OFTEN: Final = frozenset({4, 17, 32, 341, 613})
"""Codes of the Graph API for a limit of calls; 1 and 2 are passing faults of its own."""
PASSING: Final = TOO_OFTEN | {1, 2}
REST: Final = 900.0
"""Seconds to rest after such a limit: its windows are an hour, and no header tells when one ends."""


class _Paging(Answer):
    next: str | None = None


class _Updates(Answer):
    data: list[dict[str, Any]]
    paging: _Paging = Field(default_factory=_Paging)


class ThreatExchange:
    """A keeper of kind `threatexchange`. With `tags` only signals that somebody gave one of them are taken."""

    kind, patience, memory = "threatexchange", PATIENCE, MEMORY

    def __init__(
        self,
        name: str,
        connection: ServiceConnection,
        *,
        url: str,
        token: str,
        group: int,
        category: str,
        tags: tuple[str, ...] = (),
    ) -> None:
        self._name, self._connection, self._token = name, connection, token
        self._path, self._tags = f"/{group}/threat_updates", frozenset(tags)
        self._reading = Reading(category)
        self.place = f"{url.rstrip('/')}/{group}" + (f" tags {','.join(sorted(tags))}" if tags else "")

    async def page(self, since: float, until: float, cursor: str) -> Page:
        """Fetch a page; `cursor` is the query of the keeper's `next` without the token."""
        query = dict(parse_qsl(cursor)) if cursor else {"fields": FIELDS, "limit": str(PAGE)}
        if not cursor:
            query |= {"stop_time": str(int(until)), **({"start_time": str(int(since))} if since else {})}
        found = await self._connection.get(
            self._path,
            _Updates,
            {**query, "access_token": self._token},
            most=LARGEST,
            explain=self._explained,
        )
        more = self._more(found.paging.next)
        if more is not None and more == cursor:
            raise bad_answer(self._name)  # it would be this page again, for ever
        unused, reached = Counter[str](), list[float]()
        statements = []
        for item in found.data:
            said = self._statement(item, unused)
            reached.append(said.at)
            statements.append(said)
        return Page(tuple(statements), more, max(reached, default=None), unused)

    def _more(self, address: str | None) -> str | None:
        if address is None:
            return None
        parts = urlsplit(address)
        query = [(key, value) for key, value in parse_qsl(parts.query) if key != "access_token"]
        if not parts.path.rstrip("/").endswith(self._path) or not query:
            raise bad_answer(self._name)
        return urlencode(query)

    def _statement(self, item: dict[str, Any], unused: Counter[str]) -> Statement:
        own, at = item.get("id"), self._time(item.get("last_updated"))
        if not isinstance(own, str | int):
            raise bad_answer(self._name)
        if item.get("should_delete") is True:  # it may come without its hash
            return Statement(str(own), at)
        entries = []
        for found in item_changes(item, self._reading):
            if isinstance(found, Unused):
                unused[found.why] += 1
            elif isinstance(found, str):
                unused["bad value"] += 1
            elif not found.removed:
                if self._tags and not self._tags & set(found.entry.note.split(" ")):
                    unused["other tags"] += 1
                else:
                    entries.append(found.entry)
        return Statement(str(own), at, tuple(entries))

    def _time(self, value: object) -> float:
        try:
            if isinstance(value, str) and not value.isdigit():
                return datetime.fromisoformat(value).timestamp()
            return float(value)  # type: ignore[arg-type] # whatever else it is raises
        except (TypeError, ValueError):
            raise bad_answer(self._name) from None

    def _explained(self, status: int, body: bytes) -> RemoteError | None:
        """Read an error of the Graph API: its code says more than the status."""
        try:
            code = orjson.loads(body)["error"]["code"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return None
        if not isinstance(code, int):
            return None
        return RemoteError(
            f"{self._name} answered {status} with code {code}",
            code="status",
            temporary=code in PASSING,
            status=status,
            retry_after=REST if code in TOO_OFTEN else None,
        )
