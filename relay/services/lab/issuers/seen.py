"""What was seen of an issuer so far: results, tokens with the bytes that they came for, and raw answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from relay.domain.errors import RemoteError
from relay.domain.lab.model import Outcome, Result
from relay.protocol.documents import CONTENT_TYPE
from relay.services.signing import Signing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mediaattest import Attestation
    from relay.domain.lab.exchange import Exchange
    from relay.domain.lab.model import Evidence
    from relay.ports import Clock
    from relay.ports.lab import Probe
    from relay.services.lab.actors import LabActor
    from relay.services.lab.stage import Stage

LIMIT: Final = 1024 * 1024
"""Bytes of a document, a token or an answer that are read."""
REDIRECTS: Final = 3
_LEADING: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Token:
    """An attestation string that was given out, and the hash string of the bytes that it was given out for.

    `name` says where it was seen; `stated` is what it states, None unless it verifies.
    """

    name: str
    attestation: str
    digest: str
    stated: Attestation | None = None


@dataclass(slots=True)
class Seen:
    """An issuer under test. `actor` is its document, empty until it was had; `tell` hears of each result."""

    target: str
    actor: Mapping[str, Any] = field(default_factory=dict)
    tokens: list[Token] = field(default_factory=list)
    examined: list[tuple[str, Sequence[Result]]] = field(default_factory=list)
    """What the rules about documents said of each token: the name and the results."""
    results: list[Result] = field(default_factory=list)
    tell: Callable[[Result], None] | None = None

    def add(self, result: Result) -> None:
        """Note a result."""
        self.results.append(result)
        if self.tell is not None:
            self.tell(result)

    def say(self, number: int, outcome: Outcome, detail: str, *evidence: Evidence, subject: str = "") -> None:
        """Note what came of a case."""
        self.add(Result(f"ATT-{number}", outcome, detail, subject, evidence=evidence))

    def judge(self, number: int, fault: str | None, good: str, *evidence: Evidence) -> None:
        """Note a case that failed when there is a fault, a sentence; else it passed, and `good` says what was seen."""
        outcome = Outcome.PASSED if fault is None else Outcome.FAILED
        self.say(number, outcome, good if fault is None else fault, *(evidence if fault else ()))

    @property
    def kids(self) -> list[str]:
        """The ids of the keys that the tokens name, each once."""
        from mediaattest import unverified

        claims = [unverified(token.attestation) for token in self.tokens]
        return list(dict.fromkeys(claim.kid for claim in claims if claim is not None))


@dataclass(frozen=True, slots=True)
class Outside:
    """How an issuer is reached. `timeout` is for one request, in seconds."""

    probe: Probe
    stage: Stage
    clock: Clock
    timeout: float

    async def get(self, url: str, *, accept: str = CONTENT_TYPE, limit: int = LIMIT, **more: str) -> Exchange:
        """Fetch without a signature, following a few redirects. `more` are further headers. Raises `RemoteError`."""
        headers = {"Accept": accept, **more}
        for _ in range(REDIRECTS + 1):
            found = await self.probe.exchange("GET", url, headers=headers, limit=limit, timeout=self.timeout)
            location = found.header("location")
            if found.status not in _LEADING or not location.startswith(("https://", "http://")):
                return found
            url = location
        raise RemoteError(f"more than {REDIRECTS} redirects", code="bad-redirect", temporary=False)

    async def signed_get(self, actor: LabActor, url: str, *, accept: str = CONTENT_TYPE) -> Exchange:
        """Fetch with the signature of an actor of the stage. Raises `RemoteError`."""
        signed = await Signing(actor, self.stage.outgoing.remote, self.clock).get_headers(url)
        headers = {"Accept": accept, **signed}
        return await self.probe.exchange("GET", url, headers=headers, limit=LIMIT, timeout=self.timeout)
