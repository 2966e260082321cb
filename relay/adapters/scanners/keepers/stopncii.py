"""StopNCII.org, version 1: hashes of intimate pictures of adults, submitted by the people they show.

`GET /FetchHashes` with a subscription key and a function key of its own. Nobody has reviewed what a hash is of, and
people take their cases back: `Withdrawn` and `Deleted` go at once. A record is all that is known of a hash now.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from pydantic import Field

from relay.adapters.scanners.services.connection import Answer, bad_answer
from relay.domain.hashlist import HEX_LENGTH, HashAlgorithm, ListEntry
from relay.domain.listsync import Page, Statement

if TYPE_CHECKING:
    from relay.adapters.scanners.services.connection import ServiceConnection

LARGEST: Final = 16 << 20
PAGE: Final = 800
"""Records of a page, as documented."""
PATIENCE: Final = 3600.0
"""Seconds for which a page token is used: it is not good for long."""
EARLIEST: Final = 10
"""The documented beginning of time."""

_ALGORITHMS: Final = {"ImagePDQ": HashAlgorithm.PDQ, "VideoMD5": HashAlgorithm.MD5}
_OTHERS: Final = frozenset({"VideoTMK", "Text", "URL", "Unknown"})
_OPEN: Final = frozenset({"Received", "Active"})
_GONE: Final = frozenset({"Withdrawn", "Deleted"})
_HEX: Final = re.compile(r"[0-9a-f]+")


class _Feedback(Answer):
    value: str = Field(default="None", alias="feedbackValue")


class _Record(Answer):
    modified: int = Field(alias="lastModtimestamp")
    kind: str = Field(alias="signalType")
    value: str = Field(alias="hashValue")
    status: str = Field(alias="hashStatus")
    cases: dict[str, str] | None = Field(default=None, alias="caseNumbers")
    feedback: list[_Feedback] | None = Field(default=None, alias="CSPFeedbacks")

    @property
    def is_gone(self) -> bool:
        """Whether it was taken back: as a whole, by everybody with a case, or, without cases, by who brought it."""
        stated = list((self.cases or {}).values()) or [one.value for one in self.feedback or ()]
        return self.status in _GONE or (bool(stated) and _GONE.issuperset(stated))


class _Records(Answer):
    records: list[_Record] = Field(alias="hashRecords")
    token: str | None = Field(default=None, alias="nextPageToken")
    reached: int = Field(alias="nextSetTimestamp")
    has_more: bool = Field(alias="hasMoreRecords")


class StopNcii:
    """A keeper of kind `stopncii`. Its category is never that of abuse of children."""

    kind, patience, memory = "stopncii", PATIENCE, None

    def __init__(self, name: str, connection: ServiceConnection, *, url: str, category: str) -> None:
        self._name, self._connection, self._category = name, connection, category
        self.place = url.rstrip("/")

    async def page(self, since: float, until: float, cursor: str) -> Page:
        """Fetch a page; `cursor` is the keeper's page token."""
        del until  # what changes meanwhile comes, too
        query = {"startTimestamp": str(max(EARLIEST, int(since))), "pageSize": str(PAGE)}
        if cursor:
            query["nextPageToken"] = cursor
        found = await self._connection.get("/FetchHashes", _Records, query, most=LARGEST)
        if found.has_more and (not found.token or found.token == cursor):
            raise bad_answer(self._name)  # it would be the first page again, for ever
        unused = Counter[str]()
        said = [self._statement(record, unused) for record in found.records]
        statements = tuple(one for one in said if one is not None)
        return Page(statements, found.token if found.has_more else None, float(found.reached), unused)

    def _statement(self, record: _Record, unused: Counter[str]) -> Statement | None:
        algorithm, value = _ALGORITHMS.get(record.kind), record.value.strip().lower()
        if algorithm is None:
            unused[record.kind if record.kind in _OTHERS else "unknown type"] += 1
            return None
        owner, at = f"{record.kind} {value}", float(record.modified)
        if record.is_gone:
            return Statement(owner, at)
        if record.status not in _OPEN:
            unused["unknown status"] += 1
            return None
        if len(value) != HEX_LENGTH[algorithm] or not _HEX.fullmatch(value):
            unused[f"bad {algorithm}"] += 1
            return None
        entry = ListEntry(algorithm, value, self._category, "stopncii", record.status.lower())
        return Statement(owner, at, (entry,))
