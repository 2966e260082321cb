"""Verifying what strangers paste: in memory, for the moment, against keys that they bring or that are fetched.

Nothing of it is stored. Media are not fetched: whoever has the bytes brings their digest.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mediaattest import is_compact_jws, is_hash, to_data_url
from relay.domain import strictjson
from relay.domain.errors import Busy, Malformed
from relay.protocol.lab.documents import issuers_in
from relay.services.lab.asking import Asked
from relay.services.lab.documents import Asked as Question

if TYPE_CHECKING:
    from relay.ports import Clock
    from relay.protocol.lab.documents import Examination
    from relay.services.lab.asking import Issuers
    from relay.services.lab.documents import Documents
    from relay.services.lab.rules import Clients

LARGEST_DOCUMENT: Final = 64 * 1024
LARGEST_KEYS: Final = 64 * 1024
LARGEST_HEADER: Final = 8 * 1024
LARGEST_DIGESTS: Final = 8 * 1024
"""Bytes of what can be pasted."""
MOST_WAITING: Final = 8
"""Documents that wait for their turn; more are sent away."""
NOT_FETCHED: Final = "Its document was not pasted, and nothing was fetched."
NAMELESS: Final = "?"
"""The name of a file that came without one: no URL ends in it."""
_HEX: Final = re.compile(r"[0-9A-Fa-f]{64}")


@dataclass(frozen=True, slots=True)
class Pasted:
    """What somebody pasted, as text: a document or a single attestation, actor documents, a header's value, digests.

    `keys` is one actor document or an array of them, `digests` a line for each medium: its URL and its SHA-256, or the
    latter alone.
    `fetch`: ask the servers of issuers whose documents are not there.
    """

    document: str
    keys: str = ""
    header: str = ""
    digests: str = ""
    fetch: bool = True


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of it. `asked` tells whose documents were fetched, and why others could not be had."""

    examination: Examination
    asked: Asked
    at: float


class Desk:
    """Verifies, one document after the other: reading Linked Data takes a process that relaying needs, too."""

    def __init__(self, documents: Documents, issuers: Issuers, clients: Clients, clock: Clock) -> None:
        self._documents, self._issuers, self._clients, self._clock = documents, issuers, clients, clock
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def verify(self, pasted: Pasted, client: str) -> Verified:
        """Verify what a client pasted. Raises `Malformed` with what cannot be read, `TooMany`, `Busy`."""
        self._clients.check(client)
        document, actors, files = _document(pasted.document), _actors(pasted.keys), _files(pasted.digests)
        header = pasted.header.strip().removeprefix("Media-Attestation:").strip() or None
        needed = [one for one in issuers_in(document, header) if one not in actors]
        fetched = await self._issuers.ask(needed) if pasted.fetch else Asked()
        examination = await self._examine(
            Question(
                document,
                header,
                actors={**fetched.documents, **actors},
                failures=fetched.failures if pasted.fetch else dict.fromkeys(needed, NOT_FETCHED),
                files=files,
            )
        )
        return Verified(examination, fetched, self._clock.now())

    async def _examine(self, question: Question) -> Examination:
        if self._waiting >= MOST_WAITING:
            raise Busy(
                "Too many documents wait to be verified. Please try again in a moment.", retry_after=10
            )
        self._waiting += 1
        try:
            async with self._turn:
                return await self._documents.examine(question, media=False)
        finally:
            self._waiting -= 1


def _document(text: str) -> object:
    """The JSON that was pasted; a single attestation, or a bare token, stands for an object with it."""
    stripped = text.strip()
    if is_compact_jws(stripped):
        return {"attestation": to_data_url(stripped)}
    if stripped.startswith("data:"):
        return {"attestation": stripped}
    if not stripped:
        raise Malformed("There is nothing to verify: paste a document.", code="nothing-pasted")
    return _json(stripped, "document")


def _actors(text: str) -> dict[str, dict[str, object] | None]:
    if not text.strip():
        return {}
    found = _json(text, "actor document")
    actors: dict[str, dict[str, object] | None] = {}
    for one in found if isinstance(found, list) else [found]:
        actor_id = one.get("id") if isinstance(one, dict) else None
        if not isinstance(one, dict) or not isinstance(actor_id, str):
            raise Malformed("The actor document has no id.", code="bad-actor")
        actors[actor_id] = one
    return actors


def _json(text: str, name: str) -> object:
    try:
        return strictjson.loads(text.encode("utf-8", "surrogatepass"))
    except Malformed as error:
        raise Malformed(f"The {name} cannot be read: {error}", code="not-json") from error


def _files(text: str) -> list[tuple[str, str]]:
    """URL and hash string of each medium: a line each, in either order, with or without `sha256:`."""
    files = []
    for line in text.splitlines():
        words = line.split()
        hashes = [found for word in words if (found := _hash(word)) is not None]
        names = [word for word in words if _hash(word) is None]
        if words and (len(hashes) != 1 or len(names) > 1):
            message = "Write each medium on a line: its URL, a space, its SHA-256 as 64 hex digits."
            raise Malformed(message, code="bad-digest")
        files += [(names[0] if names else NAMELESS, one) for one in hashes]
    return files


def _hash(word: str) -> str | None:
    if _HEX.fullmatch(word):
        return f"sha256:{word.lower()}"
    return word if is_hash(word) else None
