"""What attackers and unlucky networks do (ATT-250 to 257, and more attestations that are wrong)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from mediaattest import from_data_url
from relay.domain.activity import AS_PUBLIC
from relay.domain.errors import RemoteError
from relay.domain.lab.model import Outcome
from relay.protocol.documents import dump
from relay.services.lab.carrier.posts import attested, author_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from relay.ports.throwaway import Keys
    from relay.services.lab.carrier.posts import Medium, Post, Writer
    from relay.services.lab.carrier.scene import RelayFound, Scene
    from relay.services.lab.carrier.vouching import Vouching
    from relay.services.lab.house import House
    from relay.services.lab.outgoing import Outgoing

AGO: Final = 40 * 86400.0
"""Seconds since the expired attestation was made: it lived for two weeks."""
SLOW: Final = 6.0
"""Seconds that the slow subscriber takes to answer."""
COPIES: Final = 5
SHARE: Final = 0.05
"""Of all deliveries this part is answered 503 in hostile mode."""
TOO_LONG: Final = 5000
"""Bytes of a field that breaks the grammar by its length alone: proxies let it pass."""


class Hostile:
    """The hostile part of a run. `rotated` are the keys that the author goes over to."""

    def __init__(
        self, scene: Scene, relay: RelayFound, writer: Writer, vouching: Vouching, rotated: Keys, forged: Keys
    ) -> None:
        self._scene, self._relay, self._writer = scene, relay, writer
        self._vouching, self._rotated, self._forged = vouching, rotated, forged
        self._outgoing: Outgoing = scene.stage.outgoing

    async def run(self, before: Post) -> None:
        """Do all of it. `before` is a post with one picture that was passed on."""
        steps: tuple[tuple[int, Callable[[], Awaitable[None]]], ...] = (
            (225, self._attestations),
            (250, self._replay),
            (251, lambda: self._recoded(before)),
            (253, self._copies),
            (256, self._field),
            (257, self._spellings),
            (252, self._rotation),
            (254, self._slow),
            (255, self._unavailable),
        )
        for number, step in steps:
            try:
                await step()
            except RemoteError as error:
                told = f"The relay did not take what was delivered: {error}."
                self._scene.note(number, Outcome.CANNOT_TELL, told)

    async def _publish(self, name: str, media: Sequence[Medium] = ()) -> Post:
        post, _ = await self._writer.publish(self._writer.write(name, self._house, media))
        self._scene.posts.append(post)
        return post

    @property
    def _house(self) -> House:
        return self._scene.author

    async def _marker(self) -> None:
        """Post something that should come, and wait for it: what came before it has been dealt with then."""
        post = await self._publish("with a picture, a marker", [self._writer.picture(self._house)])
        await self._scene.arrived([post], self._scene.subscribers.values())
        await self._scene.settle()

    # ------------------------------------------------------------------ attestations that are wrong

    async def _attestations(self) -> None:
        issuer, picture = author_of(self._house), self._writer.picture
        made: dict[str, tuple[Post, str]] = {}
        tokens: dict[str, Callable[[str], str]] = {
            "expired": lambda digest: issuer.attest(digest, at=self._scene.stage.clock.now() - AGO),
            "wrong key": lambda digest: issuer.attest(digest, key=self._forged.ed25519),
        }
        for name, make in tokens.items():
            medium = picture(self._house)
            token = make(medium.digest)
            post = await self._publish(
                f"with an attestation: {name}", [attested(medium, issuer, token=token)]
            )
            made[name] = post, token
        medium, other = picture(self._house), picture(self._house)
        token = issuer.attest(other.digest)
        post = self._writer.write("with a token about something else beside it", self._house, [medium])
        post, _ = await self._writer.publish(post, beside=f'"{from_data_url(token)}"')
        self._scene.posts.append(post)
        made["beside, about something else"] = post, token
        await self._marker()
        for name, (post, token) in made.items():
            bare = from_data_url(token)
            self._vouching.not_passed(225, name, post, frozenset({bare} if bare else ()))

    async def _recoded(self, before: Post) -> None:
        """Let the picture of an earlier post be another file, and post it again."""
        medium = before.media[0]
        path = medium.url.removeprefix(self._house.url)
        recoded = self._scene.pictures.recoded
        self._house.file(path, "image/jpeg", recoded)
        now = replace(medium, content=recoded, declared={})
        post = await self._publish("with a picture that was encoded anew", [now])
        await self._scene.arrived([post], self._scene.subscribers.values())
        await self._scene.settle()
        self._vouching.not_vouched(251, "re-encoded", post, frozenset({medium.digest}))

    async def _field(self) -> None:
        """Send a field that breaks the grammar beside good posts."""
        fields = {
            "too long": '"' + "a" * TOO_LONG + '.b.c"',
            "parameters": '"a.b.c";x=1',
            "not a string": "?1",
        }
        for name, value in fields.items():
            post = self._writer.write(f"beside a field: {name}", self._house)
            post = await self._writer.signed(post)
            self._scene.posts.append(post)
            await self._judge_field(name, post, value)

    async def _judge_field(self, name: str, post: Post, value: str) -> None:
        letter = self._outgoing.letter(post.author, self._relay.inbox, post.body, beside=value)
        try:
            posted = await self._outgoing.post(letter)
        except RemoteError as error:
            self._scene.note(256, Outcome.FAILED, f"It was not taken: {error}.", subject=name)
            return
        came = await self._scene.arrived([post], self._scene.subscribers.values())
        fault = [] if came else [f"It was answered {posted.status}, and the post did not come."]
        self._scene.judge(256, fault, "The post came.", subject=name)

    # ------------------------------------------------------------------ again and again

    async def _replay(self) -> None:
        post = await self._writer.signed(self._writer.write("that is replayed", self._house))
        letter = self._outgoing.letter(post.author, self._relay.inbox, post.body)
        self._scene.posts.append(post)
        await self._send_all([lambda: self._outgoing.post(letter)])
        await self._scene.arrived([post], self._scene.subscribers.values())
        await self._send_all([lambda: self._outgoing.post(letter)] * 2)
        await self._scene.settle()
        self._once(250, post)

    async def _copies(self) -> None:
        post = await self._writer.signed(self._writer.write("that comes five times", self._house))
        self._scene.posts.append(post)
        letters = [self._outgoing.letter(post.author, self._relay.inbox, post.body) for _ in range(COPIES)]
        await self._send_all([lambda letter=letter: self._outgoing.post(letter) for letter in letters])  # type: ignore[misc]
        await self._scene.arrived([post], self._scene.subscribers.values())
        await self._scene.settle()
        self._once(253, post)

    async def _send_all(self, sends: Sequence[Callable[[], Any]]) -> None:
        """Send at the same time; who refuses may."""
        await asyncio.gather(*(send() for send in sends), return_exceptions=True)

    def _once(self, number: int, post: Post) -> None:
        counts = {name: len(self._scene.seen(house, post)) for name, house in self._scene.subscribers.items()}
        faults = [
            f"It came {count} times to the {name} subscriber." for name, count in counts.items() if count > 1
        ]
        if not faults and 0 in counts.values():
            self._scene.note(number, Outcome.CANNOT_TELL, "The post did not come at all.")
            return
        self._scene.judge(number, faults, "It came once.")

    # ------------------------------------------------------------------ odd, but right

    async def _spellings(self) -> None:
        picture = self._writer.picture(self._house)
        wanted: dict[str, dict[str, object]] = {
            "as:Public": {"to": ["as:Public"]},
            "one value for an array": {"to": AS_PUBLIC},
            "type in an array": {"type": ["Note"]},
            "one attachment for an array": {"attachment": picture.attached()},
        }
        for name, changes in wanted.items():
            media = [picture] if "attachment" in changes else []
            post = self._writer.write(f"spelled otherwise: {name}", self._house, media, changes=changes)
            post = replace(post, body=dump(post.create()))
            self._scene.posts.append(post)
            try:
                _, posted = await self._writer.publish(post)
            except RemoteError as error:
                self._scene.note(257, Outcome.FAILED, f"It was not taken: {error}.", subject=name)
                continue
            came = await self._scene.arrived([post], self._scene.subscribers.values())
            fault = [] if came else [f"It was answered {posted.status}, and the post did not come."]
            self._scene.judge(257, fault, "The post came.", subject=name)

    async def _rotation(self) -> None:
        """Let the author have another key, at the same address."""
        author = author_of(self._house)
        kept, author.keys = author.keys, self._rotated
        came = False
        try:
            post = await self._publish("signed with a new key")
            came = await self._scene.arrived([post], self._scene.subscribers.values())
        finally:
            if not came:  # else everything that follows would fail for the same reason
                author.keys = kept
        fault = [] if came else ["A post that is signed with the new key did not come."]
        self._scene.judge(252, fault, "A post that is signed with the new key came.")

    # ------------------------------------------------------------------ subscribers in trouble

    async def _slow(self) -> None:
        houses = self._scene.subscribers
        if len(houses) < 2:
            self._scene.note(254, Outcome.UNTESTED, "There is only one subscriber.")
            return
        slow = self._scene.mastodon
        slow.conduct.delay = SLOW
        try:
            post = await self._publish("while one is slow")
            await self._scene.arrived([post], houses.values())
        finally:
            slow.conduct.delay = 0.0
        first = min((one.at for one in self._scene.seen(slow, post)), default=None)
        other = min((one.at for one in self._scene.seen(self._scene.litepub, post)), default=None)
        if first is None or other is None:
            self._scene.note(254, Outcome.CANNOT_TELL, "The post did not come to both.")
            return
        late = [f"The other got it {other - first:.1f} seconds later."] if other - first >= SLOW - 1 else []
        self._scene.judge(
            254, late, f"The other got it {max(other - first, 0):.1f} seconds after the slow one."
        )

    async def _unavailable(self) -> None:
        """Refuse one delivery for now, and say something, as a server that is back does."""
        scene, house = self._scene, self._scene.mastodon
        house.conduct.refusals.append(503)
        house.conduct.share = SHARE
        try:
            post = await self._publish("while one is unavailable")
            refused = await scene.stage.until(lambda: not house.conduct.refusals, scene.patience)
            if refused:
                await self._writer.publish(self._writer.write("by a server that is back", house))
            came = await scene.arrived([post], [house])
        finally:
            house.conduct.refusals.clear()
            house.conduct.share = 0.0
        if not refused:
            scene.note(255, Outcome.CANNOT_TELL, "Nothing was delivered that could have been refused.")
        elif came:
            scene.note(255, Outcome.PASSED, "It was refused with 503 and came again.")
        else:
            told = f"It was refused with 503 and did not come again within {scene.patience:g} seconds."
            scene.note(255, Outcome.CANNOT_TELL, told)
