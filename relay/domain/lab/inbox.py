"""A temporary inbox: an actor for a day that keeps what it is sent, and what the lab could tell about each delivery."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class TemporaryInbox:
    """An actor of the lab. `token` names it and is all that is needed to see it; times in seconds since 1970.

    `private_pem` is its RSA key (PKCS8), `public_pem` the half that it publishes. `dropped` counts deliveries that came
    when there was no room any more.
    """

    token: str
    private_pem: str
    public_pem: str
    created_at: float
    expires_at: float
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found out about a delivery, and what cannot be asked again later.

    `scheme` is that of the HTTP signature (`draft-cavage`, `rfc9421`), None without one that can be read; `code` is
    `verified`, or why it is not; `sentence` says so to people. `key_id` and `actor` are those of the signature, the
    actor only when it is proven. `covered` are the names that the signature covers.
    `issuers` are the actor documents of issuers of attestations, cut down to what verifying needs, None for an actor
    that its server does not know; `failures` say why others could not be had. `answer` is what was sent back.
    """

    scheme: str | None
    code: str
    sentence: str
    key_id: str | None = None
    actor: str | None = None
    covered: tuple[str, ...] = ()
    issuers: Mapping[str, Mapping[str, object] | None] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request to a temporary inbox, as it came. `target` is path and query, names of headers are in lower case.

    `seen` is None until somebody looked at it.
    """

    id: int
    token: str
    at: float
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    seen: Seen | None = None

    def values(self, name: str) -> tuple[str, ...]:
        """All values of a header, in their order."""
        return tuple(value for header, value in self.headers if header == name)

    @property
    def attestations(self) -> str | None:
        """The header `Media-Attestation`, its lines joined (RFC 9651 4.2); None without one."""
        values = self.values("media-attestation")
        return ", ".join(values) if values else None


@dataclass(frozen=True, slots=True)
class KeptReport:
    """A report that the lab keeps for a while. `document` is the JSON report.

    `token` names it and is all that is needed to see it. `seen_here`: this lab made the run; otherwise whoever sent the
    report says so. `listed`: shown to everybody.
    `role`, `target` and `grade` are those of the report, for lists.
    """

    token: str
    document: bytes
    seen_here: bool
    listed: bool
    created_at: float
    expires_at: float
    role: str
    target: str
    grade: str
