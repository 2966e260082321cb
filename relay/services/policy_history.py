"""The history of the policy: every version that was in force, signed, each naming the one before.

An entry is made before the policy is put in force, so none is ever in force that is not on record. Policies that decide
alike are one version, however they are written. What lists of others hold changes without a version: their batches are
on record with the blocklists.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mediaattest import digest_of
from relay.domain.english import Shown, explain
from relay.domain.errors import NotFound
from relay.domain.policy_record import ELSEWHERE, read_record, record_of, sizes
from relay.domain.policy_version import PolicyVersion
from relay.protocol.policy_statement import (
    HEAD_TYPE,
    VERSION_TYPE,
    digest_of_statement,
    key_of,
    read_statement,
    seal,
    write_statement,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from relay.domain.english import Paragraph
    from relay.domain.policy import Policy
    from relay.domain.policy_record import Record
    from relay.domain.policy_version import Why, WrittenPolicy
    from relay.ports import Clock, Store
    from relay.services.attestkeys import AttestationKeys
    from relay.services.identity import Identity

SALT: Final = 32
"""Bytes of the secret that seals one version."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something about a version that is not as it was signed. `cause` is a sentence."""

    number: int
    cause: str


class PolicyHistory:
    """Writes, reads and checks the versions."""

    def __init__(self, store: Store, clock: Clock, keys: AttestationKeys, identity: Identity) -> None:
        self._store, self._clock, self._keys, self._identity = store, clock, keys, identity

    # ------------------------------------------------------------------ reading

    async def last(self) -> PolicyVersion | None:
        """Return the version in force; None before the relay ran the first time."""
        async with self._store.reading() as tx:
            return await tx.policies.last()

    async def all(self) -> list[PolicyVersion]:
        """Return every version, oldest first."""
        async with self._store.reading() as tx:
            return await tx.policies.all()

    async def get(self, number: int) -> PolicyVersion:
        """Return one version. Raises `NotFound`."""
        async with self._store.reading() as tx:
            found = await tx.policies.get(number)
        if found is None:
            raise NotFound(f"there is no version {number} of the policy")
        return found

    # ------------------------------------------------------------------ writing

    async def record(
        self,
        policy: Policy,
        written: WrittenPolicy,
        elsewhere: Collection[str] = (),
        *,
        why: Why,
        who: str,
        note: str = "",
    ) -> PolicyVersion | None:
        """Write a policy that is about to be in force; None when it decides as the last version does.

        `elsewhere` are the names of its lists that others keep. Durable when it returns.
        """
        record = record_of(policy, elsewhere)
        signing = (await self._keys.current()).signing
        salt, now = self._clock.token(SALT), self._clock.now()
        async with self._store.transaction() as tx:
            last = await tx.policies.last()
            if last is not None and last.record == record:
                return None
            number = 1 if last is None else last.number + 1
            claims = {
                "iss": self._identity.actor,
                "sub": self.address(number),
                "iat": int(now),
                "number": number,
                "why": why.value,
                "note": note,
                "outline": [{"heading": one.heading, "lines": list(one.lines)} for one in outline(record)],
                "sealed": seal(salt, _sealed(policy.id, who, record, written)),
                "previous": None if last is None else digest_of_statement(last.statement),
            }
            version = PolicyVersion(
                number=number,
                policy=policy.id,
                at=now,
                who=who,
                why=why,
                note=note,
                written=written,
                record=record,
                salt=salt,
                statement=write_statement(
                    claims, typ=VERSION_TYPE, kid=signing.kid, sign=signing.private.sign
                ),
            )
            await tx.policies.add(version)
            await tx.subscribers.audit(
                at=now, who=who, action=f"policy-{why}", subject=f"version {number}", detail=note
            )
        return version

    # ------------------------------------------------------------------ checking

    async def verify(self) -> list[Fault]:
        """Check every version against what was signed, and the chain; return what is wrong, oldest first.

        Shows any change, removal or insertion in the middle. That the newest versions were cut off shows only against
        a statement that somebody else has.
        """
        keys = await self._keys.every()
        faults: list[Fault] = []
        before: PolicyVersion | None = None
        for place, version in enumerate(await self.all(), 1):
            faults += [Fault(version.number, cause) for cause in self._wrong(version, place, before, keys)]
            before = version
        return faults

    def _wrong(
        self, version: PolicyVersion, place: int, before: PolicyVersion | None, keys: Mapping[str, bytes]
    ) -> Sequence[str]:
        if key_of(version.statement) not in keys:
            return ["its statement names a key that is not the relay's"]
        claims = read_statement(version.statement, typ=VERSION_TYPE, keys=keys)
        if claims is None:
            return ["its signature is wrong"]
        told = {
            "number": version.number,
            "why": version.why.value,
            "note": version.note,
            "iat": int(version.at),
            "sealed": seal(
                version.salt, _sealed(version.policy, version.who, version.record, version.written)
            ),
        }
        previous = None if before is None else digest_of_statement(before.statement)
        wrong = [
            f"{name} is not what was signed" for name, value in told.items() if claims.get(name) != value
        ]
        if version.number != place or claims.get("previous") != previous:
            wrong.append("it does not follow on the version before")
        return wrong

    async def head(self) -> str | None:
        """Return a statement, signed now, of which version is the last one; None when there is none.

        Keys are replaced: who has this, signed with the key of today, can check all that came before by the digests.
        """
        last = await self.last()
        if last is None:
            return None
        signing = (await self._keys.current()).signing
        claims = {
            "iss": self._identity.actor,
            "sub": f"{self._identity.url}/policy",
            "iat": int(self._clock.now()),
            "number": last.number,
            "statement": digest_of_statement(last.statement),
        }
        return write_statement(claims, typ=HEAD_TYPE, kid=signing.kid, sign=signing.private.sign)

    def address(self, number: int) -> str:
        """Return where the public reads of a version."""
        return f"{self._identity.url}/policy/history/{number}"


def outline(record: Record, shown: Shown = Shown.OUTLINE) -> tuple[Paragraph, ...]:
    """A recorded policy in sentences; by default as the public reads it."""
    counted = sizes(record)
    elsewhere = [name for name, held in record["lists"].items() if held == ELSEWHERE]
    members = {name: count for name, count in counted.items() if count is not None}
    return explain(read_record(record), elsewhere, shown, members)


def text_digest(written: WrittenPolicy) -> str:
    """What tells one text of a policy from another."""
    return digest_of(written.text.encode())


def _sealed(policy: str, who: str, record: Record, written: WrittenPolicy) -> bytes:
    content = [policy, who, record, written.place, written.text, written.preset, written.expanded]
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
