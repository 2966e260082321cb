"""Following the relay in both dialects, and leaving it again (ATT-204 to 206, 237, 238)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from relay.domain.activity import AS_PUBLIC
from relay.domain.errors import RemoteError
from relay.domain.lab.model import Outcome
from relay.protocol import documents
from relay.protocol.documents import AS2, FollowEcho
from relay.services.lab.carrier.posts import actor_of
from relay.services.lab.carrier.scene import shown

if TYPE_CHECKING:
    from relay.services.lab.carrier.posts import Writer
    from relay.services.lab.carrier.scene import RelayFound, Scene
    from relay.services.lab.house import Arrival, House


class Subscribing:
    """The subscriptions of a run."""

    def __init__(self, scene: Scene, relay: RelayFound) -> None:
        self._scene, self._relay = scene, relay
        self._follows: dict[str, FollowEcho] = {}
        self._left: set[str] = set()

    async def follow(self) -> bool:
        """Let the three servers follow; return whether there is somebody who posts and somebody who receives."""
        scene = self._scene
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(scene.author, AS_PUBLIC))
            mastodon = tasks.create_task(self._follow(scene.mastodon, AS_PUBLIC))
            litepub = tasks.create_task(self._follow(scene.litepub, self._relay.id))
        for number, name, task in ((204, "mastodon", mastodon), (205, "litepub", litepub)):
            scene.judge(number, task.result(), "Accepted.", subject=name)
        if scene.author.host not in scene.subscribed and scene.subscribed:
            await self._follow(scene.author, self._relay.id)  # a relay that takes one dialect only
        self._embedded()
        return scene.author.host in scene.subscribed and bool(scene.subscribers)

    async def _follow(self, house: House, target: str) -> list[str]:
        """Follow, and wait for the answer; return what was wrong with it."""
        scene, actor = self._scene, actor_of(house)
        follow = FollowEcho(f"{house.url}/follows/{scene.stage.clock.new_id()}", actor.id, target)
        self._follows[house.host] = follow
        try:
            document = {"@context": AS2} | follow.document() | {"to": [target]}
            posted = await scene.stage.outgoing.send(actor, self._relay.inbox, document)
        except RemoteError as error:
            return [f"The Follow could not be delivered: {error}."]
        if posted.status >= 300:
            return [f"The Follow was answered {posted.status}. {posted.detail}".strip()]
        if not await scene.stage.until(lambda: bool(self._answers(house)), scene.patience):
            return [f"No answer came within {scene.patience:g} seconds."]
        answer = self._answers(house)[0]
        if answer.activity is None or answer.activity.type != "Accept":
            return ["The Follow was rejected."]
        scene.subscribed.add(house.host)
        return []

    def _answers(self, house: House) -> list[Arrival]:
        """Return what the relay answered to the Follow of a house."""
        wanted = self._follows[house.host].id
        return [
            one
            for kind in ("Accept", "Reject")
            for one in house.came(kind)
            if one.activity is not None
            and one.activity.object_id == wanted
            and one.sender is not None
            and one.sender.actor == self._relay.id
        ]

    def _embedded(self) -> None:
        faults, accepts = [], []
        for house in (self._scene.author, self._scene.mastodon, self._scene.litepub):
            for one in self._answers(house)[:1]:
                accepts.append(one)
                echo = one.activity.object if one.activity is not None else None
                if echo is None or echo.actor != actor_of(house).id or echo.type != "Follow":
                    faults.append("The Accept names the Follow by its id only, or leaves out its actor.")
        if not accepts:
            self._scene.note(206, Outcome.INAPPLICABLE, "There was no Accept.")
            return
        self._scene.judge(206, faults, "Id, type and actor are there.", evidence=[shown(accepts[0])])

    # ------------------------------------------------------------------ leaving

    async def leave(self, writer: Writer) -> None:
        """Let the author's server leave and post; another posts as well, so that it is seen when that has passed."""
        scene = self._scene
        await self._undo(scene.author)
        # An Undo is acted on soon, and nothing tells when: what is posted at once may still be on its way.
        await scene.settle()
        mark = scene.stage.now
        late = writer.write("by a server that has left", scene.author)
        posted = None
        try:
            late, answer = await writer.publish(late)
            posted = answer.status
        except RemoteError as error:
            scene.note(237, Outcome.CANNOT_TELL, f"The post could not be delivered: {error}.")
        marker = writer.write("by a server that has stayed", scene.mastodon)
        try:
            marker, _ = await writer.publish(marker)
        except RemoteError as error:
            scene.note(238, Outcome.CANNOT_TELL, f"The post could not be delivered: {error}.")
            return
        others = [house for house in scene.subscribers.values() if house is not scene.mastodon]
        passed = await scene.arrived([marker], others)
        await scene.settle()
        with suppress(RemoteError):
            await writer.publish(marker, marker.delete())
        if posted is not None:
            found = [name for name, house in scene.subscribers.items() if scene.seen(house, late)]
            faults = [f"It came to the {name} subscriber." for name in found]
            scene.judge(237, faults, f"It was answered {posted} and went nowhere.")
        after = [one for one in scene.author.came() if one.number > mark and one.activity is not None]
        if not passed and not after:
            scene.note(238, Outcome.CANNOT_TELL, "The post that was to show it came to nobody.")
            return
        faults = [f"{one.activity.type} was delivered after the Undo." for one in after if one.activity]
        faults = [fault for fault in faults if not fault.startswith(("Accept", "Undo", "Reject"))]
        scene.judge(238, faults, "A post of another server came to the others and not to the one that left.")

    async def end(self) -> None:
        """Let whoever is still subscribed leave: the lab is gone after the run."""
        for house in (self._scene.author, self._scene.mastodon, self._scene.litepub):
            if house.host in self._scene.subscribed - self._left:
                await self._undo(house)

    async def _undo(self, house: House) -> None:
        self._left.add(house.host)
        actor = actor_of(house)
        undo = documents.undo(
            id=f"{house.url}/undos/{self._scene.stage.clock.new_id()}",
            actor=actor.id,
            follow=self._follows[house.host],
            to=self._relay.id,
        )
        try:
            await self._scene.stage.outgoing.send(actor, self._relay.inbox, undo)
        except RemoteError:
            return  # what follows shows whether it was heard
