"""Attestations: verifying those that came with a post, and issuing our own.

An attestation says that some bytes were checked and nothing known was found. Every failure to verify one means
*unattested*, never *bad* (attestation.md); which failures a policy minds is the operator's choice.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from mediaattest import (
    Check,
    IssuerClass,
    Medium,
    Verdict,
    from_data_url,
    issue,
    to_data_url,
    unverified,
    verify,
)
from relay.domain import hosts
from relay.domain.errors import RemoteError
from relay.domain.facts import AttestationState, worst_attestation
from relay.domain.intake import Issued
from relay.domain.lab.testing import is_test
from relay.domain.media import Decoded, ScanOutcome
from relay.services.singleflight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mediaattest import StatusReference
    from relay.domain.intake import Item, MediaFacts
    from relay.domain.media import Digests, MediaRef
    from relay.ports import Clock, Scanner, Store
    from relay.services.fetch import Fetcher
    from relay.services.identity import Identity
    from relay.services.issuingkey import IssuingKey
    from relay.services.status_lists import OwnStatusLists, StatusLists

MAX_CHECKS: Final = 8
"""Checks that an attestation can name (profile F-17)."""

_STATES: Final = {
    Verdict.VALID: AttestationState.VALID,
    Verdict.MISSING: AttestationState.MISSING,
    Verdict.MALFORMED: AttestationState.MISSING,
    Verdict.UNTRUSTED_ISSUER: AttestationState.UNTRUSTED,
    Verdict.UNKNOWN_KEY: AttestationState.UNTRUSTED,
    Verdict.REVOKED_KEY: AttestationState.REVOKED,
    Verdict.BAD_SIGNATURE: AttestationState.BAD_SIGNATURE,
    Verdict.EXPIRED: AttestationState.EXPIRED,
    Verdict.NOT_YET_VALID: AttestationState.EXPIRED,
    Verdict.HASH_MISMATCH: AttestationState.HASH_MISMATCH,
    Verdict.NO_ACCEPTED_CHECK: AttestationState.UNTRUSTED,
    Verdict.REVOKED: AttestationState.REVOKED,
    Verdict.KEY_UNAVAILABLE: AttestationState.MISSING,
}

ACTOR_AGE: Final = 6 * 3600.0
"""Seconds for which an issuer's actor document is used (protocol.md 2.1: 1 to 24 h)."""


@dataclass(frozen=True, slots=True)
class Vouched:
    """What came of the attestations of one item. `trusted`: the issuer is on the operator's list, no scan is needed."""

    state: AttestationState
    issuer: str | None = None
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom the operator believes: actor ids or server names; list ids of which one must have been checked."""

    issuers: frozenset[str]
    lists: frozenset[str] | None = None


class AttestationVerifier:
    """Verifies attestations of others. `trust` may be replaced while running."""

    def __init__(self, *, fetcher: Fetcher, clock: Clock, trust: Trust, statuses: StatusLists) -> None:
        self._fetcher, self._clock, self.trust, self._statuses = fetcher, clock, trust, statuses

    async def verify(self, ref: MediaRef, digests: Digests, object_id: str, tokens: Sequence[str]) -> Vouched:
        """Verify what the item itself carries, and those of `tokens` (beside the post) that are about its bytes."""
        digest = f"sha256:{digests.sha256}"
        beside = [to_data_url(token) for token in tokens]
        about = [text for text in beside if (claim := unverified(text)) and claim.digest == digest]
        found = [await self._verify(text, ref, digest, object_id) for text in (*ref.attestations, *about)]
        valid = [one for one in found if one.state is AttestationState.VALID]
        if valid:
            return next((one for one in valid if one.trusted), valid[0])
        return Vouched(worst_attestation(one.state for one in found))

    async def _verify(self, attestation: str, ref: MediaRef, digest: str, object_id: str) -> Vouched:
        claim = unverified(attestation)
        trusted = frozenset({claim.issuer}) if claim and self._trusts(claim.issuer) else frozenset[str]()
        actors: dict[str, Mapping[str, object] | None] = {}
        if claim is not None and (trusted or hosts.same_origin(claim.issuer, object_id)):
            await self._add_actor(claim.issuer, actors)
        outcome = verify(
            attestation,
            received=digest,
            actors=actors,
            trusted_issuers=trusted,
            accepted_lists=self.trust.lists,
            now=int(self._clock.now()),
            declared_hashes=ref.hashes,
            object_origin=object_id,
            # Nobody but the operator's issuers can make us keep a list.
            status=self._statuses.status if trusted else None,
        )
        if not outcome.valid or claim is None:
            return Vouched(_STATES[outcome.verdict])
        if outcome.issuer_class is IssuerClass.SELF:
            # An origin that vouches for its own media is believed only when the operator trusts it by name.
            return Vouched(AttestationState.UNTRUSTED, claim.issuer)
        stated = outcome.attestation
        if stated is None or is_test(check.list_id for check in stated.checks):
            # Made by a lab, of media that nobody checked: worth nothing, even from an issuer that is trusted.
            return Vouched(AttestationState.UNTRUSTED, claim.issuer)
        return Vouched(AttestationState.VALID, claim.issuer, trusted=True)

    def _trusts(self, issuer: str) -> bool:
        return issuer in self.trust.issuers or hosts.server_name(issuer) in self.trust.issuers

    async def _add_actor(self, issuer: str, actors: dict[str, Mapping[str, object] | None]) -> None:
        try:
            actors[issuer] = await self._fetcher.actor_document(issuer, max_age=ACTOR_AGE)
        except RemoteError as error:
            if not error.temporary and error.status in {404, 410}:
                actors[issuer] = None


@dataclass(frozen=True, slots=True)
class IssueRules:
    """How we attest: whether at all, for how many seconds, and the share (0..1) of clean items withheld.

    `status_list`: each attestation names its place in a list that tells whether it was retracted.
    """

    enabled: bool
    lifetime: int
    withhold: float
    status_list: bool = False


class Attestor:
    """Issues our attestations, one per digest, and keeps them. `rules` and `key` may be replaced while running."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        identity: Identity,
        key: IssuingKey,
        scanners: Sequence[Scanner],
        rules: IssueRules,
        statuses: OwnStatusLists,
    ) -> None:
        self._store, self._clock, self._identity, self.key = store, clock, identity, key
        self.scanners, self.rules, self.statuses = scanners, rules, statuses
        self._flights: SingleFlight[str | None] = SingleFlight()

    @property
    def attests(self) -> bool:
        """Whether anything can be attested at all."""
        return self.rules.enabled and any(scanner.attests and scanner.methods for scanner in self.scanners)

    async def tokens(self, items: Sequence[Item]) -> list[str]:
        """Return compact attestations for the items that we scanned and in which nothing known was found."""
        clean = [i.digest for i in items if i.digest and i.outcome is ScanOutcome.NO_KNOWN_MATCH]
        tokens = [await self.token(digest) for digest in dict.fromkeys(clean)]
        return [token for token in tokens if token is not None]

    async def token(self, sha256: str) -> str | None:
        """Return our attestation of a digest that a scan found clean; None when there is none or it is withheld."""
        return await self._flights.run(sha256, lambda: self._token(sha256))

    async def _token(self, sha256: str) -> str | None:
        if not self.attests:
            return None
        async with self._store.reading() as tx:
            known = await tx.media.issued(sha256)
            facts = await tx.media.facts(sha256)
        now = int(self._clock.now())
        # Reused until half its life is over: then whoever receives it late still has some of it.
        if known and not known.retracted_at and known.expires_at - now > self.rules.lifetime / 2:
            return known.jws
        if facts is None or facts.result.outcome is not ScanOutcome.NO_KNOWN_MATCH:
            return None
        checks = self._checks(facts)
        if not checks:
            return None
        withheld = known is None and self._clock.jitter() < self.rules.withhold
        still_withheld = known is not None and known.jws is None
        expires_at = now - now % 3600 + self.rules.lifetime
        if withheld or still_withheld:
            async with self._store.transaction() as tx:
                await tx.media.save_issued(Issued(sha256, None, now, expires_at))
            return None
        key = self.key
        async with self._store.transaction() as tx:
            status = None
            if self.rules.status_list:
                status = await self.statuses.draw(tx, sha256, key.name, expires_at)
            jws = self._signed(facts, checks, key, now, status)
            await tx.media.save_issued(Issued(sha256, jws, now, expires_at, key=key.name))
        return jws

    def _signed(
        self,
        facts: MediaFacts,
        checks: Sequence[Check],
        key: IssuingKey,
        now: int,
        status: StatusReference | None,
    ) -> str | None:
        return from_data_url(
            issue(
                private_key=key.private,
                kid=key.kid,
                issuer=self._identity.actor,
                digest=f"sha256:{facts.digests.sha256}",
                checks=checks,
                now=now,
                jti=self._clock.token(16),
                lifetime=self.rules.lifetime,
                medium=_medium(facts.decoded, facts.digests.size),
                status=status,
            )
        )

    async def look_up(self, sha256: str) -> Issued | None:
        """Return what we issued about a digest, if it has not ended."""
        async with self._store.reading() as tx:
            issued = await tx.media.issued(sha256)
        if issued is None or issued.expires_at <= self._clock.now():
            return None
        return issued

    def _checks(self, facts: MediaFacts) -> list[Check]:
        """What was really done (profile I-01): each list that was asked, by each method that it was asked with.

        Lists have opaque ids. When there is more than fits, every list comes before the second method of any.
        """
        asked, is_video = facts.result.versions, _is_video(facts.decoded)
        found = [
            (
                place,
                Check(
                    _OF_VIDEOS.get(method, method) if is_video else method,
                    list_id(self._identity.url, scanner.name),
                ),
            )
            for scanner in self.scanners
            if scanner.attests and asked.get(scanner.name) == scanner.version
            for place, method in enumerate(scanner.methods)
        ]
        return [check for _, check in sorted(found, key=itemgetter(0))][:MAX_CHECKS]


_OF_VIDEOS: Final = {"pdq": "vpdq"}
"""What a method is called where it is used on frames of a video and not on a picture (profile, methods in use)."""


def _is_video(decoded: object) -> bool:
    return isinstance(decoded, Decoded) and decoded.media_type.startswith("video/")


def list_id(url: str, name: str) -> str:
    """Return the opaque id of a hash list in our attestations."""
    return f"{url}/lists/{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def _medium(decoded: object, size: int) -> Medium | None:
    return Medium(decoded.media_type, size) if isinstance(decoded, Decoded) else None
