"""Testing a verifier that fetches by itself: it is given the address of a post, and object, media and issuer are ours.

A question is `{"kind": "object", "input": {"object", "trusted_issuers", "accepted_lists"}}`; the answer is the verdict
about the one medium of the post, as for `verify`. What was fetched meanwhile is looked at, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mediaattest import Check, IssuerKey, describe_key, digest_of, issue
from relay.domain.errors import RemoteError
from relay.domain.lab.model import Evidence, Outcome, Result
from relay.domain.lab.testing import TEST_ISSUER, TEST_LIST
from relay.protocol.documents import AS2, CONTENT_TYPE, Json, dump
from relay.protocol.lab.vectors import Fit, judge, question

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from relay.ports.lab import Answerer
    from relay.services.lab.issuers.service import Trap
    from relay.services.lab.stage import Stage

KIND: Final = "object"
LATE: Final = 1.5
"""Seconds that a slow medium takes."""
TOO_LATE: Final = 1.5
"""Times of our patience that an actor takes who does not answer."""
LARGE: Final = 24 * 1024 * 1024
"""Bytes of an actor document that is too large."""
_DAYS: Final = 40 * 24 * 3600
_PICTURE: Final = "image/jpeg"
_TERMS: Final = {
    "pdna": "https://purl.archive.org/socialweb/photodna#",
    "hash": {"@id": "pdna:hash", "@type": "@id"},
    "attestation": {"@id": "pdna:attestation", "@type": "@id"},
}
_ISSUER_TERMS: Final = {"assay": "https://w3id.org/assay/ns#", TEST_ISSUER: f"assay:{TEST_ISSUER}"}
_UNKNOWN: Final = ("unknown-key", "key-unavailable")


@dataclass(frozen=True, slots=True)
class Scene:
    """One question: the number of its case, where the post is, and which verdicts are right.

    `trusted` issuers; `intruded` says afterwards what was fetched that must not be, in a sentence, or None.
    """

    number: int
    object: str
    right: tuple[str, ...]
    trusted: tuple[str, ...]
    intruded: Callable[[], str | None] = field(default=lambda: None)
    subject: str = ""


class LiveTest:
    """Asks about posts on the first server of the stage, which has to be https. `patience` in seconds.

    `picture(n)` gives new pictures. `tell` hears of each result.
    """

    def __init__(
        self,
        answerer: Answerer,
        stage: Stage,
        trap: Trap,
        picture: Callable[[int], bytes],
        *,
        patience: float,
        tell: Callable[[Result], None] | None = None,
    ) -> None:
        self._answerer, self._stage, self._trap, self._picture = answerer, stage, trap, picture
        self._patience, self._tell = patience, tell
        self._house = stage.houses[0]
        own, other = [actor.keys.ed25519 for actor in self._house.actors.values()][:2]
        self._own, self._other = own, other
        self._drawn = 0

    async def run(self) -> list[Result]:
        """Ask everything; return a result for each case. Raises nothing."""
        scenes = (
            self._good,
            self._one_of_two,
            self._context,
            self._stranger,
            self._led_astray,
            self._expired,
            self._other_hash,
            self._forged,
            self._of_another_file,
            self._recoded,
            self._cloaked,
            self._new_key,
            self._slow,
            self._large,
            self._gone,
            self._silent,
        )
        found = [result for scene in scenes for result in await self._play(scene())]
        return sorted(found, key=lambda result: result.code)

    async def _play(self, scenes: Iterator[Scene]) -> list[Result]:
        """Ask the questions of a case, each when the one before was answered."""
        found = []
        for scene in scenes:
            result = await self._ask(scene)
            found.append(result)
            if self._tell is not None:
                self._tell(result)
        return found

    async def _ask(self, scene: Scene) -> Result:
        code = f"ATT-{scene.number}"
        given = {
            "object": scene.object,
            "trusted_issuers": list(scene.trusted),
            "accepted_lists": [TEST_LIST],
        }
        asked = Evidence("question", question(KIND, given).decode())
        try:
            answer = await self._answerer.ask(question(KIND, given), timeout=self._patience)
        except RemoteError as error:
            return Result(
                code, Outcome.FAILED, f"There was no answer: {error}", scene.subject, evidence=[asked]
            )
        judged = [judge("verify", {"verdict": verdict}, answer) for verdict in scene.right]
        if judged[0].fit is Fit.UNSUPPORTED:
            return Result(
                code, Outcome.UNTESTED, "The verifier says that it fetches nothing itself.", scene.subject
            )
        evidence = [asked, Evidence("answer", answer.decode("utf-8", "replace"))]
        if intruded := scene.intruded():
            return Result(code, Outcome.FAILED, intruded, scene.subject, evidence=evidence)
        if any(one.fit is Fit.RIGHT for one in judged):
            return Result(code, Outcome.PASSED, f"The verdict was {_verdict(answer)}.", scene.subject)
        return Result(
            code, Outcome.FAILED, f"{judged[0].detail}.".capitalize(), scene.subject, evidence=evidence
        )

    # ------------------------------------------------------------------ scenes

    def _good(self) -> Iterator[Scene]:
        issuer, content = self._issuer("good"), self._new()
        post = self._post("good", self._token(issuer, content), content)
        yield Scene(381, post, ("valid",), (issuer,))

    def _one_of_two(self) -> Iterator[Scene]:
        issuer, content = self._issuer("two"), self._new()
        tokens = [self._token(issuer, content, ago=_DAYS), self._token(issuer, content)]
        yield Scene(337, self._post("two", tokens, content), ("valid",), (issuer,))

    def _context(self) -> Iterator[Scene]:
        issuer, content = self._issuer("context"), self._new()
        address = self._house.serve("/contexts/terms", {"@context": _TERMS})
        post = self._post("context", self._token(issuer, content), content, context=[AS2, address])

        def intruded() -> str | None:
            return "The context was fetched." if self._house.asked(address) else None

        yield Scene(382, post, ("valid",), (issuer,), intruded)

    def _stranger(self) -> Iterator[Scene]:
        """Its origin is another than the post's, or it would count as `self`."""
        elsewhere, content = self._stage.houses[1], self._new()
        address = f"{elsewhere.url}/issuers/stranger"
        elsewhere.serve("/issuers/stranger", self._actor(address, self._own))
        post = self._post("stranger", self._token(address, content), content)

        def intruded() -> str | None:
            return "The actor of a stranger was fetched." if elsewhere.asked(address) else None

        yield Scene(344, post, ("untrusted-issuer",), (self._issuer("good"),), intruded)

    def _led_astray(self) -> Iterator[Scene]:
        address, content = self._address("astray"), self._new()
        self._house.file("/issuers/astray", CONTENT_TYPE, b"")
        self._house.files["/issuers/astray"].location = self._trap.url
        post = self._post("astray", self._token(address, content), content)
        before = self._trap.asked()

        def intruded() -> str | None:
            return "The redirect to plain http was followed." if self._trap.asked() > before else None

        yield Scene(349, post, _UNKNOWN, (address,), intruded)

    def _expired(self) -> Iterator[Scene]:
        issuer, content = self._issuer("expired"), self._new()
        post = self._post("expired", self._token(issuer, content, ago=_DAYS), content)
        yield Scene(383, post, ("expired",), (issuer,))

    def _other_hash(self) -> Iterator[Scene]:
        issuer, content = self._issuer("declared"), self._new()
        post = self._post("declared", self._token(issuer, content), content, declared=digest_of(self._new()))
        yield Scene(384, post, ("hash-mismatch",), (issuer,))

    def _forged(self) -> Iterator[Scene]:
        issuer, content = self._issuer("forged"), self._new()
        post = self._post("forged", self._token(issuer, content, key=self._other), content)
        yield Scene(385, post, ("bad-signature",), (issuer,))

    def _of_another_file(self) -> Iterator[Scene]:
        issuer, content, another = self._issuer("replayed"), self._new(), self._new()
        token = self._token(issuer, another)
        declared = {"hash of the file": content, "hash of the token": another}
        for place, (name, bytes_) in enumerate(declared.items()):
            post = self._post(f"replayed-{place}", token, content, declared=digest_of(bytes_))
            yield Scene(386, post, ("hash-mismatch",), (issuer,), subject=name)

    def _recoded(self) -> Iterator[Scene]:
        issuer, content = self._issuer("recoded"), self._new()
        post = self._post("recoded", self._token(issuer, content), content, served=content + b"\xff\xd9")
        yield Scene(387, post, ("hash-mismatch",), (issuer,))

    def _cloaked(self) -> Iterator[Scene]:
        issuer, content = self._issuer("cloaked"), self._new()
        post = self._post("cloaked", self._token(issuer, content), content)
        self._house.files["/media/cloaked.jpg"].others = (self._new(),)
        yield Scene(388, post, ("valid",), (issuer,), subject="first")
        yield Scene(388, post, ("hash-mismatch",), (issuer,), subject="second")

    def _new_key(self) -> Iterator[Scene]:
        """The new key is published, and used, when the first question was answered."""
        issuer, content = self._issuer("rotated"), self._new()
        post = self._post("before", self._token(issuer, content), content)
        yield Scene(389, post, ("valid",), (issuer,), subject="before")
        self._house.serve("/issuers/rotated", self._actor(issuer, self._own, self._other))
        token = self._token(issuer, content, key=self._other, kid=f"{issuer}#att-2")
        post = self._post("after", token, content)
        yield Scene(389, post, ("valid",), (issuer,), subject="after")

    def _slow(self) -> Iterator[Scene]:
        issuer, content = self._issuer("slow"), self._new()
        post = self._post("slow", self._token(issuer, content), content)
        self._house.files["/media/slow.jpg"].delay = LATE
        yield Scene(390, post, ("valid",), (issuer,))

    def _silent(self) -> Iterator[Scene]:
        address, content = self._address("silent"), self._new()
        self._house.file("/issuers/silent", CONTENT_TYPE, dump(self._actor(address, self._own)))
        self._house.files["/issuers/silent"].delay = self._patience * TOO_LATE
        post = self._post("silent", self._token(address, content), content)
        yield Scene(391, post, ("key-unavailable",), (address,))

    def _large(self) -> Iterator[Scene]:
        address, content = self._address("large"), self._new()
        document = self._actor(address, self._own) | {"summary": "x" * LARGE}
        self._house.file("/issuers/large", CONTENT_TYPE, dump(document))
        post = self._post("large", self._token(address, content), content)
        yield Scene(392, post, _UNKNOWN, (address,))

    def _gone(self) -> Iterator[Scene]:
        address, content = self._address("gone"), self._new()
        self._house.file("/issuers/gone", CONTENT_TYPE, b"")
        self._house.files["/issuers/gone"].status = 410
        post = self._post("gone", self._token(address, content), content)
        yield Scene(393, post, ("unknown-key",), (address,))

    # ------------------------------------------------------------------ what is served

    def _new(self) -> bytes:
        self._drawn += 1
        return self._picture(self._drawn)

    def _address(self, name: str) -> str:
        return f"{self._house.url}/issuers/{name}"

    def _issuer(self, name: str) -> str:
        """An issuer with one key."""
        address = self._address(name)
        self._house.serve(f"/issuers/{name}", self._actor(address, self._own))
        return address

    def _actor(self, address: str, *keys: Ed25519PrivateKey) -> Json:
        described = [
            describe_key(IssuerKey(f"{address}#att-{number}", address, key.public_key().public_bytes_raw()))
            for number, key in enumerate(keys, 1)
        ]
        return {
            "@context": [AS2, _ISSUER_TERMS],
            "id": address,
            "type": "Service",
            "preferredUsername": "issuer",
            "inbox": f"{address}/inbox",
            "assertionMethod": described,
            TEST_ISSUER: True,
        }

    def _token(
        self,
        issuer: str,
        content: bytes,
        *,
        key: Ed25519PrivateKey | None = None,
        kid: str | None = None,
        ago: float = 0.0,
    ) -> str:
        return issue(
            private_key=key or self._own,
            kid=kid or f"{issuer}#att-1",
            issuer=issuer,
            digest=digest_of(content),
            checks=[Check("pdq", TEST_LIST)],
            now=int(self._stage.clock.now() - ago),
            jti=self._stage.clock.token(16),
        )

    def _post(
        self,
        name: str,
        attestation: str | list[str],
        content: bytes,
        *,
        served: bytes | None = None,
        declared: str | None = None,
        context: Sequence[object] = (AS2, _TERMS),
    ) -> str:
        """A Note with one picture; `declared` and `served` in place of what would be right."""
        address = self._house.file(f"/media/{name}.jpg", _PICTURE, content if served is None else served)
        note: Json = {
            "@context": list(context),
            "id": f"{self._house.url}/notes/{name}",
            "type": "Note",
            "attributedTo": next(iter(self._house.actors.values())).id,
            "content": name,
            "to": [f"{AS2}#Public"],
            "attachment": [
                {
                    "type": "Image",
                    "mediaType": _PICTURE,
                    "url": address,
                    "hash": declared or digest_of(content),
                    "attestation": attestation,
                }
            ],
        }
        return self._house.serve(f"/notes/{name}", note)


def _verdict(answer: bytes) -> str:
    from relay.domain import strictjson

    found = strictjson.loads(answer)
    return str(found.get("verdict")) if isinstance(found, dict) else ""
