"""NCMEC's hash sharing, version 2 (`/v2/entries`), and with a choice of members Take It Down.

XML, a thousand entries a page: images and videos, each with fingerprints of several kinds, and tombstones, which have
no fingerprints. Pages are in no order of time, and `paging/next` is followed as it stands, for at most twelve hours.
Times are UTC. Take It Down is one member of the list for organisations (NPO); there is no other interface for it.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from relay.adapters.plainxml import read_xml
from relay.adapters.scanners.services.connection import bad_answer
from relay.domain.errors import Malformed
from relay.domain.hashlist import HEX_LENGTH, HashAlgorithm, ListEntry
from relay.domain.listsync import Page, Statement

if TYPE_CHECKING:
    from relay.adapters.plainxml import Element
    from relay.adapters.scanners.services.connection import ServiceConnection

LARGEST: Final = 32 << 20
"""Bytes of a page: a thousand entries with all their fingerprints are about two million."""
PATIENCE: Final = 11 * 3600.0
"""Seconds for which `next` is followed: it is documented to be good for twelve hours."""
ENTRIES: Final = "/v2/entries"

_ALGORITHMS: Final = {
    "md5": HashAlgorithm.MD5,
    "sha1": HashAlgorithm.SHA1,
    "pdq": HashAlgorithm.PDQ,
}
_OTHERS: Final = frozenset({"pdna", "netclean", "videntifier", "tmk_pdqf", "ssvh_pdna", "ssvh_safer_hash"})
"""Fingerprints that are documented and nothing here can compare."""
_KINDS: Final = {"images": "image", "videos": "video"}
_HEX: Final = re.compile(r"[0-9a-f]+")
_CLASS: Final = re.compile(r"[A-Za-z0-9_ -]{1,20}")


class Ncmec:
    """A keeper of kind `ncmec-hashes`. With `members` only what these submitted is taken, by number of the member."""

    kind, patience, memory = "ncmec-hashes", PATIENCE, None

    def __init__(
        self, name: str, connection: ServiceConnection, *, url: str, category: str, members: tuple[int, ...]
    ) -> None:
        self._name, self._connection, self._category = name, connection, category
        self._members = frozenset(map(str, members))
        chosen = f" members {','.join(map(str, sorted(members)))}" if members else ""
        self.place = url.rstrip("/") + chosen

    async def page(self, since: float, until: float, cursor: str) -> Page:
        """Fetch a page; `cursor` is the keeper's own `next`."""
        path = cursor or f"{ENTRIES}?{urlencode({'from': _written(since), 'to': _written(until)})}"
        content = await self._connection.fetch(path, accept="application/xml", most=LARGEST)
        return await asyncio.to_thread(self._read, content)

    def _read(self, content: bytes) -> Page:
        try:
            root = read_xml(content)
            if root.name != "queryResult":  # an error, or a page for people, with 200
                raise bad_answer(self._name)
            statements, unused = list[Statement](), Counter[str]()
            for group in root:
                if group.name in _KINDS:
                    statements += self._statements(group, _KINDS[group.name], unused)
            paging = root.child("paging")
            more = paging.said("next") if paging else ""
            if more and not more.startswith(f"{ENTRIES}?"):
                raise bad_answer(self._name)
        except (Malformed, ValueError):
            raise bad_answer(self._name) from None
        reached = max((one.at for one in statements), default=None)
        chosen = tuple(one for one in statements if self._is_chosen(one, unused))
        return Page(chosen, more or None, reached, unused)

    def _is_chosen(self, one: Statement, unused: Counter[str]) -> bool:
        member = one.owner.split(" ")[1].partition("/")[0]
        if self._members and member not in self._members:
            unused["of other members"] += 1
            return False
        return True

    def _statements(self, group: Element, kind: str, unused: Counter[str]) -> list[Statement]:
        found = []
        for item in group:
            if item.name == kind:
                found.append(self._statement(item, kind, self._entries(item, kind, unused)))
            elif item.name == f"deleted{kind.capitalize()}":
                found.append(self._statement(item, kind, ()))
            else:
                raise bad_answer(self._name)
        return found

    def _statement(self, item: Element, kind: str, entries: tuple[ListEntry, ...]) -> Statement:
        own, at = item.said("id"), _read_time(item.said("timestamp"))
        if not own:
            raise bad_answer(self._name)
        return Statement(f"{kind} {self._member(item)}/{own}", at, entries)

    def _member(self, item: Element) -> str:
        member = item.child("member")
        number = "" if member is None else member.attributes.get("id", "")
        if not (number.isascii() and number.isdigit()):
            raise bad_answer(self._name)
        return number

    def _entries(self, item: Element, kind: str, unused: Counter[str]) -> tuple[ListEntry, ...]:
        found = list[ListEntry]()
        member, stated = self._member(item), item.said("classification")
        note = f"{stated} {kind}" if _CLASS.fullmatch(stated) else kind
        for one in item.child("fingerprints") or ():
            value, algorithm = one.text.strip().lower(), _ALGORITHMS.get(one.name)
            if not value:
                continue
            if algorithm is None:
                unused[one.name if one.name in _OTHERS else "unknown fingerprint"] += 1
            elif len(value) != HEX_LENGTH[algorithm] or not _HEX.fullmatch(value):
                unused[f"bad {algorithm}"] += 1
            else:
                found.append(ListEntry(algorithm, value, self._category, f"member {member}", note))
        return tuple(found)


def _written(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _read_time(text: str) -> float:
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
