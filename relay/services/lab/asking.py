"""The actor documents of issuers of attestations, fetched for strangers: few, for a moment, and kept by nobody.

What is fetched is a document that anybody can fetch, through the same wall as everything else. Media are never
fetched here. What could not be had is said in a sentence.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from relay.domain import hosts
from relay.domain.errors import Malformed, RemoteError
from relay.protocol.documents import dump

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from relay.services.blocks import Blocks
    from relay.services.fetch import Fetcher

MOST: Final = 4
"""Issuers that are asked for one document."""
_KEPT: Final = ("id", "type", "inbox", "publicKey", "assertionMethod")
"""What verifying attestations and signatures reads of an actor (`protocol.actors`, `mediaattest.find_key`)."""
_LARGEST: Final = 16 * 1024
"""Bytes of what is kept of a document."""
_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking: documents by issuer, None for an actor that its server does not know; else why not."""

    documents: dict[str, Mapping[str, object] | None] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


class Issuers:
    """Asks for documents of issuers."""

    def __init__(self, fetcher: Fetcher, blocks: Blocks, *, allow_http: bool) -> None:
        self._fetcher, self._blocks, self._allow_http = fetcher, blocks, allow_http
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def ask(self, issuers: Iterable[str]) -> Asked:
        """Fetch the documents of the first few of these."""
        wanted = list(dict.fromkeys(issuers))
        asked = Asked()
        for issuer in wanted[MOST:]:
            asked.failures[issuer] = f"Only the first {MOST} issuers of a document are asked here."
        async with asyncio.TaskGroup() as tasks:
            for issuer in wanted[:MOST]:
                tasks.create_task(self._ask(issuer, asked))
        return asked

    async def _ask(self, issuer: str, asked: Asked) -> None:
        try:
            hosts.check_url(issuer, allow_http=self._allow_http)
            if self._blocks.blocked(hosts.server_name(issuer)):
                asked.failures[issuer] = "Its server is blocked here."
                return
            async with self._turn:
                document = await self._fetcher.document(issuer)
        except Malformed as error:
            asked.failures[issuer] = str(error)
        except RemoteError as error:
            if error.status in {404, 410}:
                asked.documents[issuer] = None
            asked.failures[issuer] = f"Its document could not be had: {error}."
        else:
            found = {name: document[name] for name in _KEPT if name in document}
            if len(dump(found)) > _LARGEST:
                asked.failures[issuer] = "Its document has more keys than the lab keeps."
            else:
                asked.documents[issuer] = found
