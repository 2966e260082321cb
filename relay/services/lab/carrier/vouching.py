"""What deliveries say of the media of their posts: bytes, field, tokens (ATT-207, 211 to 225 without 214)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mediaattest import explain, from_data_url, parse_header, to_data_url, unverified, verify
from relay.domain.attachments import flat
from relay.domain.errors import RemoteError
from relay.domain.lab.model import Evidence, Outcome
from relay.protocol.documents import MEDIA_ATTESTATION
from relay.services.lab.carrier.scene import is_announce, shown
from relay.services.lab.outgoing import FIELD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from relay.services.lab.carrier.posts import Medium, Post
    from relay.services.lab.carrier.scene import RelayFound, Scene
    from relay.services.lab.house import Arrival, House

ISSUERS: Final = 8
"""Issuers besides the relay whose documents are fetched."""
FIRST: Final = 8
"""Of sixteen pictures the first so many are those whose tokens can fit; one or two may be withheld."""
_NONE: Final = "No delivery brought a token."
_PROPERTIES: Final = ("hash", "attestation")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A post as it came to a subscriber. `tokens` are those of the field, if it follows the grammar."""

    name: str
    arrival: Arrival
    post: Post
    tokens: tuple[str, ...]

    @property
    def fields(self) -> list[str]:
        """The values of the field."""
        return self.arrival.values(FIELD)

    @property
    def beside(self) -> tuple[str, ...]:
        """The tokens of the field and those that the Announce names, each once."""
        named = [from_data_url(text) for text in _named(self.arrival) if isinstance(text, str)]
        return tuple(dict.fromkeys([*self.tokens, *(token for token in named if token is not None)]))


class Vouching:
    """Judges everything that came, once all has come."""

    def __init__(self, scene: Scene, relay: RelayFound) -> None:
        self._scene, self._relay = scene, relay
        self._actors: dict[str, Mapping[str, Any] | None] = {relay.id: dict(relay.document)}

    def deliveries(self, posts: Iterable[Post] | None = None) -> list[Delivery]:
        """Return what came of some posts, or of all."""
        wanted = list(self._scene.posts if posts is None else posts)
        return [
            Delivery(name, one, post, parse_header(", ".join(one.values(FIELD))))
            for name, house in self._scene.subscribers.items()
            for post in wanted
            for one in self._scene.seen(house, post)
        ]

    # ------------------------------------------------------------------ signatures and bytes

    def signatures(self) -> None:
        """Look at the HTTP signature of everything that was delivered (ATT-207)."""
        scene = self._scene
        houses = (scene.author, scene.mastodon, scene.litepub)
        came = [one for house in houses for one in house.arrivals]
        bad = [(one, _unsigned(one, self._relay.id)) for one in came]
        faults = [fault for _, fault in bad if fault is not None]
        if not came:
            scene.note(207, Outcome.CANNOT_TELL, "Nothing was delivered.")
            return
        schemes = ", ".join(sorted({one.scheme for one in came if one.scheme is not None}))
        evidence = [shown(one) for one, fault in bad if fault is not None][:1]
        scene.judge(207, faults, f"All {len(came)} are good ({schemes}).", evidence=evidence)

    def bodies(self) -> None:
        """Look whether what is forwarded is as it was received (ATT-211 to 213)."""
        scene, came = self._scene, self.deliveries()
        forwarded = [one for one in came if not is_announce(one.arrival)]
        pairs = [*((one.post, one.arrival) for one in forwarded), *scene.forwarded]
        changed = [(post, arrival) for post, arrival in pairs if arrival.body != post.body]
        faults = [
            f"{_kind(arrival)} of the post {post.name} came with other bytes." for post, arrival in changed
        ]
        if pairs:
            good = f"All {len(pairs)} that were forwarded are as they were received."
            scene.judge(211, faults, good, evidence=[shown(arrival) for _, arrival in changed[:1]])
        else:
            scene.note(211, Outcome.INAPPLICABLE, "Nothing was forwarded: this relay announces.")
        if forwarded:
            faults = [
                f"The post {one.post.name} lost or changed its properties."
                for one in forwarded
                if _changed(one)
            ]
            scene.judge(212, faults, "They are as they were written.")
        else:
            scene.note(212, Outcome.INAPPLICABLE, "No post was forwarded: this relay announces.")
        if not came:
            scene.note(213, Outcome.CANNOT_TELL, "Nothing came.")
            return
        added = [one for one in came if _added(one)]
        faults = [f"The post {one.post.name} has properties that its author did not write." for one in added]
        scene.judge(213, faults, "Nothing was added.", evidence=[shown(one.arrival) for one in added[:1]])

    # ------------------------------------------------------------------ the field

    def fields(self, attestable: Sequence[Post]) -> None:
        """Look at the field and at the property of Announces (ATT-215 to 219)."""
        scene, came = self._scene, self.deliveries()
        for name in scene.subscribers:
            self._brought(name, attestable)
        with_field = [one for one in came if one.fields]
        self._form(with_field)
        faults = [
            f"The post {one.post.name} came with an empty field." for one in with_field if not all(one.fields)
        ]
        scene.judge(218, faults, "No delivery had an empty field.")
        self._announced([one for one in came if is_announce(one.arrival)])

    def _brought(self, name: str, attestable: Sequence[Post]) -> None:
        scene = self._scene
        came = [one for one in self.deliveries(attestable) if one.name == name]
        if not came:
            scene.note(215, Outcome.CANNOT_TELL, "No post with a picture came.", subject=name)
            return
        brought = [one for one in came if one.tokens]
        fault = (
            []
            if brought
            else [f"{len(came)} posts with pictures came, one of them attested, and none with it."]
        )
        evidence = [] if brought else [shown(came[0].arrival)]
        good = f"{len(brought)} of {len(came)} posts with pictures came with attestations."
        scene.judge(215, fault, good, subject=name, evidence=evidence)

    def _form(self, with_field: Sequence[Delivery]) -> None:
        scene = self._scene
        if not with_field:
            for number in (216, 217):
                scene.note(number, Outcome.INAPPLICABLE, "No delivery had the field.")
            return
        bad = [one for one in with_field if not one.tokens]
        faults = [f"The field of the post {one.post.name} breaks the grammar." for one in bad]
        evidence = [Evidence("Media-Attestation", ", ".join(one.fields)) for one in bad[:1]]
        most = max(len(one.tokens) for one in with_field)
        scene.judge(216, faults, f"Up to {most} tokens in a field.", evidence=evidence)
        bare = [one for one in with_field if FIELD not in one.arrival.covered]
        faults = [f"The signature over the post {one.post.name} leaves the field out." for one in bare]
        scene.judge(217, faults, "It does each time.", evidence=[shown(one.arrival) for one in bare[:1]])

    def _announced(self, announces: Sequence[Delivery]) -> None:
        scene = self._scene
        naming = [one for one in announces if _named(one.arrival)]
        if not naming:
            scene.note(219, Outcome.INAPPLICABLE, "No Announce has the property.")
            return
        faults = [fault for one in naming if (fault := _misnamed(one)) is not None]
        good = f"{len(naming)} of {len(announces)} Announces name attestations."
        scene.judge(219, faults, good, evidence=[shown(naming[0].arrival)] if faults else [])

    # ------------------------------------------------------------------ the tokens

    async def tokens(self) -> None:
        """Verify every token, and look what it is about (ATT-220 to 222)."""
        scene, came = self._scene, [one for one in self.deliveries() if one.beside]
        if not came:
            for number in (220, 221, 222):
                scene.note(number, Outcome.INAPPLICABLE, _NONE)
            return
        foreign, unseen, checked = [], [], 0
        for one in came:
            for token in one.beside:
                medium = _about(token, one.post)
                if medium is None:
                    foreign.append(f"A token with the post {one.post.name} is about something else.")
                    continue
                if not self._was_fetched(medium, one.arrival.at):
                    unseen.append(
                        f"A picture of the post {one.post.name} was not fetched before it was vouched for."
                    )
                checked += 1
        await self._verified(came)
        scene.judge(221, foreign, f"All {checked} are.")
        scene.judge(222, unseen, "All of it was.")

    async def _verified(self, came: Sequence[Delivery]) -> None:
        scene, good = self._scene, 0
        for one in came:
            for token in one.beside:
                medium = _about(token, one.post)
                if medium is None:
                    continue
                found = await self._verify(token, medium)
                if found.valid:
                    good += 1
                    continue
                explanation = explain(found)
                scene.note(
                    220,
                    Outcome.FAILED,
                    f"With the post {one.post.name}: {found.reason}",
                    subject=one.name,
                    explanation=explanation.code,
                    evidence=[Evidence("token", token), shown(one.arrival)],
                )
                return
        scene.judge(220, [], f"All {good} do.")

    async def _verify(self, token: str, medium: Medium) -> Any:
        text = to_data_url(token)
        claim = unverified(text)
        if claim is not None and claim.issuer not in self._actors and len(self._actors) < ISSUERS:
            await self._fetch(claim.issuer)
        return verify(
            text,
            received=medium.content,
            actors=self._actors,
            trusted_issuers={claim.issuer} if claim is not None else set(),
            accepted_lists=None,
            now=int(self._scene.stage.clock.now()),
        )

    async def _fetch(self, issuer: str) -> None:
        try:
            self._actors[issuer] = await self._scene.stage.outgoing.fetcher.document(issuer)
        except RemoteError as error:
            if not error.temporary:
                self._actors[issuer] = None

    def _was_fetched(self, medium: Medium, before: float) -> bool:
        return any(fetch.at <= before for house in self._houses for fetch in house.asked(medium.url))

    @property
    def _houses(self) -> tuple[House, ...]:
        return self._scene.stage.houses

    # ------------------------------------------------------------------ what must not be vouched for

    def not_vouched(self, number: int, subject: str, post: Post, digests: frozenset[str]) -> None:
        """Put on record whether a post came with a token about one of `digests`, which are not what is served."""
        came = self.deliveries([post])
        wrong = [one for one in came if any(_digest(token) in digests for token in one.beside)]
        faults = [f"The post {post.name} was passed on with it." for _ in wrong[:1]]
        good = "The post came without it." if came else "The post did not come."
        self._scene.judge(
            number, faults, good, subject=subject, evidence=[shown(one.arrival) for one in wrong[:1]]
        )

    def not_passed(self, number: int, subject: str, post: Post, tokens: frozenset[str]) -> None:
        """Put on record whether one of some tokens was passed on with a post."""
        came = self.deliveries([post])
        wrong = [one for one in came if not tokens.isdisjoint(one.beside)]
        faults = [f"It was passed on with the post {post.name}." for _ in wrong[:1]]
        good = "The post came without it." if came else "The post did not come."
        self._scene.judge(
            number, faults, good, subject=subject, evidence=[shown(one.arrival) for one in wrong[:1]]
        )

    def sixteen(self, post: Post) -> None:
        """Look which of many media the tokens are about (ATT-224)."""
        scene = self._scene
        came = [one for one in self.deliveries([post]) if one.tokens]
        if not came:
            scene.note(224, Outcome.INAPPLICABLE, _NONE)
            return
        places = [
            place
            for one in came
            for place, medium in enumerate(post.media)
            if medium.digest in {_digest(token) for token in one.tokens}
        ]
        faults = [f"A token is about picture {max(places) + 1}." for _ in places[:1] if max(places) >= FIRST]
        most = max(len(one.tokens) for one in came)
        scene.judge(224, faults, f"{most} tokens, about the first pictures.")


def _unsigned(arrival: Arrival, relay: str) -> str | None:
    """What is wrong with the signature of a delivery."""
    if arrival.sender is None:
        return f"{_kind(arrival)}: {arrival.problem}"
    if arrival.sender.actor != relay:
        return f"{_kind(arrival)} was signed by {arrival.sender.actor}."
    return None


def _kind(arrival: Arrival) -> str:
    return arrival.activity.type if arrival.activity is not None else "Something"


def _digest(token: str) -> str | None:
    """The hash string that a token is about."""
    claim = unverified(to_data_url(token))
    return None if claim is None else claim.digest


def _about(token: str, post: Post) -> Medium | None:
    """The medium of a post that a token is about, by the bytes that are served."""
    digest = _digest(token)
    return next((medium for medium in post.media if medium.digest == digest), None)


def _named(arrival: Arrival) -> Sequence[object]:
    """What an Announce names in `mediaAttestation`."""
    if arrival.activity is None or not is_announce(arrival):
        return ()
    return flat(arrival.activity.document.get("mediaAttestation"))


def _misnamed(one: Delivery) -> str | None:
    document = one.arrival.activity.document if one.arrival.activity is not None else {}
    contexts = [entry for entry in flat(document.get("@context")) if isinstance(entry, dict)]
    defined = [entry["mediaAttestation"] for entry in contexts if "mediaAttestation" in entry]
    if defined != [MEDIA_ATTESTATION]:
        return f"The Announce of the post {one.post.name} does not define the term as the profile has it."
    if any(not isinstance(text, str) or from_data_url(text) is None for text in _named(one.arrival)):
        return f"The Announce of the post {one.post.name} holds something else than attestation strings."
    return None


def _changed(one: Delivery) -> bool:
    """Whether the attachments of a forwarded post have other properties than its author wrote."""
    document = one.arrival.activity.document if one.arrival.activity is not None else {}
    note = document.get("object")
    attached = flat(note.get("attachment")) if isinstance(note, dict) else ()
    return [_stated(entry) for entry in attached] != [_stated(medium.attached()) for medium in one.post.media]


def _added(one: Delivery) -> bool:
    """Whether a post came with more of the two properties than it has."""
    document = one.arrival.activity.document if one.arrival.activity is not None else {}
    written = sum(len(medium.declared) for medium in one.post.media)
    return sum(1 for _ in _found(document.get("object"))) > written


def _found(value: object) -> Iterator[str]:
    """Every use of the two properties within a value."""
    if isinstance(value, list):
        for entry in value:
            yield from _found(entry)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name in _PROPERTIES:
                yield name
            else:
                yield from _found(inner)


def _stated(entry: object) -> tuple[object, ...]:
    return tuple(entry.get(name) for name in _PROPERTIES) if isinstance(entry, dict) else ()
