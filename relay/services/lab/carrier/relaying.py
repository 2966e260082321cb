"""What is posted, in two rounds: posts of all kinds at once, then a change and a deletion."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from relay.domain.errors import RemoteError
from relay.domain.lab.model import Outcome
from relay.protocol.documents import dump
from relay.services.lab.carrier.posts import attested, author_of
from relay.services.lab.carrier.scene import is_announce, shown

if TYPE_CHECKING:
    from relay.services.lab.carrier.posts import Post, Writer
    from relay.services.lab.carrier.scene import RelayFound, Scene
    from relay.services.lab.house import Arrival

SIXTEEN: Final = 16


@dataclass
class Round:
    """The posts of the first round by what they are for. `refused` tells what the relay answered to some."""

    attested: Post
    plain: Post
    sixteen: Post
    cloaked: Post
    bad: dict[str, Post]
    canary: Post
    private: Post
    unsigned: Post
    forged: Post
    last: Post
    refused: dict[str, str] = field(default_factory=dict)


class Relaying:
    """Posts, and looks at what came."""

    def __init__(self, scene: Scene, relay: RelayFound, writer: Writer) -> None:
        self._scene, self._relay, self._writer = scene, relay, writer

    async def first(self) -> Round:
        """Publish everything, and wait for what should come. Raises `RemoteError` if the relay is gone."""
        scene, made = self._scene, self._written()
        made.attested = await self._publish(made.attested)
        # Again at once, signed anew: another relay may bring it as well.
        await self._publish(made.attested)
        made.plain = await self._publish(made.plain)
        made.private = await self._publish(made.private, made.refused)
        await self._unsigned(made)
        await self._forged(made)
        made.cloaked = await self._publish(made.cloaked, made.refused)
        for name, post in made.bad.items():
            made.bad[name] = await self._publish(post, made.refused)
        made.canary = await self._publish(made.canary, made.refused)
        made.sixteen = await self._publish(made.sixteen)
        made.last = await self._publish(made.last)
        wanted = [made.attested, made.plain, made.sixteen, made.last]
        await scene.arrived(wanted, scene.subscribers.values())
        await scene.settle()
        scene.posts += [
            *(made.attested, made.plain, made.sixteen, made.cloaked, made.canary, made.last),
            *made.bad.values(),
        ]
        return made

    def _written(self) -> Round:
        """Write the posts of the first round."""
        writer, house = self._writer, self._scene.author
        issuer, picture = author_of(house), self._writer.picture
        shown_as = picture(house)
        cloaked = picture(house)
        wrong = picture(house)
        return Round(
            attested=writer.write("with an attested picture", house, [attested(shown_as, issuer)]),
            plain=writer.write("with a picture", house, [picture(house)]),
            sixteen=writer.write("with 16 pictures", house, [picture(house) for _ in range(SIXTEEN)]),
            cloaked=writer.write(
                "with a picture that is not what it declares",
                house,
                [attested(cloaked, issuer, about=shown_as.digest)],
            ),
            bad={
                "wrong hash": writer.write(
                    "with an attestation of another picture",
                    house,
                    [attested(wrong, issuer, token=issuer.attest(shown_as.digest))],
                )
            },
            canary=writer.write("with the canary", house, [picture(house, self._scene.pictures.canary)]),
            private=writer.write("for followers", house, public=False),
            unsigned=writer.write("that is not signed", house),
            forged=writer.write("that another server signed", self._scene.mastodon),
            last=writer.write("with a picture, the last", house, [picture(house)]),
        )

    async def _publish(self, post: Post, answers: dict[str, str] | None = None) -> Post:
        """Publish a post, or again what was published; a refusal is an answer where one is expected."""
        post, posted = await self._writer.publish(post)
        if answers is not None:
            answers[post.name] = f"It was answered {posted.status}"
        return post

    async def _unsigned(self, made: Round) -> None:
        outgoing = self._scene.stage.outgoing
        try:
            posted = await outgoing.send_unsigned(self._relay.inbox, made.unsigned.create())
            made.refused[made.unsigned.name] = f"It was answered {posted.status}"
        except RemoteError as error:
            made.refused[made.unsigned.name] = f"It was not taken ({error.code})"

    async def _forged(self, made: Round) -> None:
        """Deliver a post in the name of somebody who has not posted yet, signed with a key that is not his."""
        victim, forger = made.forged.author, author_of(self._scene.author)
        kept, victim.keys = victim.keys, forger.keys
        try:
            letter = self._scene.stage.outgoing.letter(victim, self._relay.inbox, dump(made.forged.create()))
        finally:
            victim.keys = kept
        try:
            posted = await self._scene.stage.outgoing.post(letter)
            made.refused[made.forged.name] = f"It was answered {posted.status}"
        except RemoteError as error:
            made.refused[made.forged.name] = f"It was not taken ({error.code})"

    # ------------------------------------------------------------------ changes

    async def changes(self, made: Round) -> None:
        """Change a post and delete it: whether both are forwarded (ATT-232, 233)."""
        scene, post, house = self._scene, made.plain, self._scene.mastodon
        forwards = any(not is_announce(one) for one in scene.seen(house, made.attested))
        if house.host not in scene.subscribed or not scene.seen(house, post):
            for number in (232, 233):
                scene.note(number, Outcome.INAPPLICABLE, "The post itself did not come.")
            return
        for number, kind, activity in (
            (232, "Update", post.update(scene.stage.clock.now())),
            (233, "Delete", post.delete()),
        ):
            try:
                changed, _ = await self._writer.publish(post, activity)
            except RemoteError as error:
                scene.note(number, Outcome.CANNOT_TELL, f"The {kind} could not be delivered: {error}.")
                continue
            forwards = await self._changed(number, kind, changed, forwards=forwards)

    async def _changed(self, number: int, kind: str, changed: Post, *, forwards: bool) -> bool:
        """Look whether a change comes; return whether the relay forwards at all, as far as is known now."""
        scene, house, only = self._scene, self._scene.mastodon, frozenset({kind})
        if forwards or number == 232:
            await scene.stage.until(lambda: bool(scene.seen(house, changed, only)), scene.patience)
        else:
            await scene.settle()
        found = scene.seen(house, changed, only)
        if not found and not forwards:
            scene.note(number, Outcome.INAPPLICABLE, "This relay announces only, which cannot express it.")
            return False
        faults = [] if found else [f"The {kind} did not come within {scene.patience:g} seconds."]
        scene.judge(number, faults, "It came.")
        scene.forwarded += [(changed, one) for one in found]
        return True

    async def clear(self) -> None:
        """Delete every post, for the other subscribers of the relay: they had them, too."""
        for post in {post.id: post for post in self._scene.posts}.values():
            with suppress(RemoteError):
                await self._writer.publish(post, post.delete())

    # ------------------------------------------------------------------ what came, and what did not

    def arrivals(self, made: Round) -> None:
        """Put on record what of the first round came where (ATT-210, 214, 230, 231)."""
        scene = self._scene
        for number, name in ((210, "mastodon"), (214, "litepub")):
            house = scene.subscribers.get(name)
            if house is None:
                scene.note(number, Outcome.UNTESTED, "The Follow was not accepted.", subject=name)
                continue
            wanted = (made.attested, made.plain, made.sixteen, made.last)
            faults = [f"The post {post.name} did not come." for post in wanted if not scene.seen(house, post)]
            if number == 214:
                came = [one for post in wanted for one in scene.seen(house, post)]
                faults += [fault for one in came if (fault := _not_announced(one, wanted)) is not None]
            scene.judge(number, faults, f"All {len(wanted)} posts came.", subject=name)
        back = [post for post in scene.posts if scene.seen(scene.author, post)]
        faults = [f"The post {post.name} came back." for post in back]
        scene.judge(230, faults, "Nothing came back to the server that posted.")
        twice = [
            f"The post {post.name} came {count} times to the {name} subscriber."
            for post in scene.posts
            for name, house in scene.subscribers.items()
            if (count := len(scene.seen(house, post))) > 1
        ]
        scene.judge(231, twice, "A post that was delivered twice went on once.")

    def withheld(self, made: Round) -> None:
        """Put on record what did not come, and should not (ATT-226, 234 to 236)."""
        for number, post in ((234, made.private), (235, made.unsigned), (236, made.forged)):
            self._withheld(number, post, made)
        if self._relay.claims:
            self._withheld(226, made.canary, made)
        else:
            self._scene.note(226, Outcome.INAPPLICABLE, "This relay does not say that it checks media.")

    def _withheld(self, number: int, post: Post, made: Round) -> None:
        scene = self._scene
        came = [one for house in scene.subscribers.values() for one in scene.seen(house, post)]
        how = "announced" if all(map(is_announce, came)) else "forwarded with its text"
        faults = [f"The post {post.name} was {how}."] if came else []
        answered = made.refused.get(post.name, "It was delivered")
        scene.judge(
            number, faults, f"{answered} and did not come.", evidence=[shown(one) for one in came[:1]]
        )


def _not_announced(arrival: Arrival, posts: tuple[Post, ...]) -> str | None:
    """What is wrong with a delivery to a subscriber that understands Announces only."""
    activity = arrival.activity
    if activity is None or activity.type != "Announce":
        return "A post came as it is, which LitePub servers do not take from a relay."
    if activity.object_id not in {post.id for post in posts}:
        return "The Announce names the activity and not the object."
    return None
