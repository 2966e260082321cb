"""The posts of the test: as Mastodon writes them, with pictures that the stage serves."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from mediaattest import digest_of
from relay.domain.activity import AS_PUBLIC
from relay.protocol.documents import AS2, SECURITY, dump, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from relay.domain.remote import Posted
    from relay.protocol.documents import Json
    from relay.services.lab.actors import LabActor
    from relay.services.lab.house import House
    from relay.services.lab.stage import Stage

_TERMS: Final = {
    "sensitive": "as:sensitive",
    "toot": "http://joinmastodon.org/ns#",
    "blurhash": "toot:blurhash",
    # FEP-b53d
    "pdna": "https://purl.archive.org/socialweb/photodna#",
    "hash": {"@id": "pdna:hash", "@type": "@id"},
    "attestation": {"@id": "pdna:attestation", "@type": "@id"},
}


@dataclass(frozen=True, slots=True)
class Pictures:
    """What the test posts. `clean` match no list, all different; `recoded` is the first of them encoded anew.

    `canary` is harmless and on the list `canary`. All are JPEG.
    """

    clean: Sequence[bytes]
    recoded: bytes
    canary: bytes


@dataclass(frozen=True, slots=True)
class Medium:
    """A picture as it is served at `url`; `declared` are the two properties beside it, if any."""

    url: str
    content: bytes
    declared: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The hash string of the bytes that are served."""
        return digest_of(self.content)

    def attached(self) -> Json:
        """As it stands in `attachment`."""
        return {
            "type": "Document",
            "mediaType": "image/jpeg",
            "url": self.url,
            "name": "a test picture, made by arithmetic",
            "width": 320,
            "height": 240,
            **self.declared,
        }


@dataclass(frozen=True, slots=True)
class Post:
    """A post about to be published, or published: `note` as it is served, `body` what was delivered.

    `name` is what the report calls it.
    """

    name: str
    author: LabActor
    note: Json
    media: tuple[Medium, ...] = ()
    body: bytes = b""

    @property
    def id(self) -> str:
        """The id of the object."""
        return str(self.note["id"])

    @property
    def activity_id(self) -> str:
        """The id of its Create."""
        return f"{self.id}/activity"

    def create(self, **changes: object) -> dict[str, Any]:
        """Return its Create."""
        note = {name: value for name, value in self.note.items() if name != "@context"}
        return {
            "@context": self.note["@context"],
            "id": self.activity_id,
            "type": "Create",
            "actor": self.author.id,
            "published": self.note["published"],
            "to": self.note["to"],
            "cc": self.note["cc"],
            "object": note,
            **changes,
        }

    def update(self, now: float) -> dict[str, Any]:
        """Return an Update of it, with another text."""
        changed = replace(self, note={**self.note, "content": "<p>edited</p>", "updated": timestamp(now)})
        return changed.create(id=f"{self.id}/update", type="Update", published=timestamp(now))

    def delete(self) -> dict[str, Any]:
        """Return a Delete of it."""
        gone = {"id": self.id, "type": "Tombstone"}
        return self.create(id=f"{self.id}/delete", type="Delete", object=gone)


class Writer:
    """Writes the posts of a test and publishes them at `inbox`."""

    def __init__(self, stage: Stage, pictures: Pictures, inbox: str) -> None:
        self._stage, self._inbox = stage, inbox
        self._pictures: Iterator[bytes] = iter(pictures.clean)
        self._written = 0

    def picture(self, house: House, content: bytes | None = None) -> Medium:
        """Serve a picture, the next one when none is given. Raises StopIteration after the last."""
        content = next(self._pictures) if content is None else content
        name = f"/media/{self._stage.clock.new_id()}.jpg"
        return Medium(house.file(name, "image/jpeg", content), content)

    def write(
        self,
        name: str,
        house: House,
        media: Sequence[Medium] = (),
        *,
        public: bool = True,
        changes: Mapping[str, object] | None = None,
    ) -> Post:
        """Let the author of a house write a post, which is served there. `changes` are other properties for it."""
        author = author_of(house)
        self._written += 1
        path = f"{author.path}/posts/{self._stage.clock.new_id()}"
        note: Json = {
            "@context": [AS2, _TERMS, SECURITY],
            "id": f"{house.url}{path}",
            "type": "Note",
            "attributedTo": author.id,
            "content": f"<p>Test of a relay, number {self._written}: {name}</p>",
            "published": timestamp(self._stage.clock.now()),
            "to": [AS_PUBLIC] if public else [author.followers],
            "cc": [author.followers] if public else [],
            "sensitive": False,
            "attachment": [medium.attached() for medium in media],
            **(changes or {}),
        }
        house.serve(path, note)
        return Post(name, author, note, tuple(media))

    async def signed(self, post: Post, activity: Mapping[str, Any] | None = None) -> Post:
        """Return a post with the bytes that are delivered: its Create, or another activity, signed by its author."""
        document = await self._stage.outgoing.ld_signed(post.author, activity or post.create())
        return replace(post, body=dump(document))

    async def publish(
        self, post: Post, activity: Mapping[str, Any] | None = None, *, beside: str | None = None
    ) -> tuple[Post, Posted]:
        """Deliver a post, or another activity about it, signed twice as Mastodon does. Raises `RemoteError`.

        `beside` is a Media-Attestation field.
        """
        post = post if post.body and activity is None else await self.signed(post, activity)
        return post, await self._stage.outgoing.send(post.author, self._inbox, post.body, beside=beside)


def author_of(house: House) -> LabActor:
    """Return who posts at a house."""
    return next(actor for actor in house.actors.values() if actor.kind == "Person")


def actor_of(house: House) -> LabActor:
    """Return a house's own actor."""
    return next(actor for actor in house.actors.values() if actor.kind == "Application")


def attested(
    medium: Medium, issuer: LabActor, *, about: str | None = None, token: str | None = None
) -> Medium:
    """Return a medium with the two properties. `about` is another digest to declare, `token` another attestation."""
    digest = about or medium.digest
    return replace(medium, declared={"hash": digest, "attestation": token or issuer.attest(digest)})
