"""Lets the scenario happen, step by step, and judges what came of it.

The servers of the demo do and receive everything over HTTP. What the relay made of it is read where the operator's
`assay why` reads it; of requests that were not stored, the answer is all there is.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mediaattest import digest_of
from relay.cli.demo.actors import HandSigner
from relay.cli.demo.names import OPEN, PHOTOS, RELAY
from relay.cli.demo.results import Report, Result, Totals, judge, saw
from relay.cli.demo.scenario import ACTS, Deed, Vouching
from relay.domain.errors import RemoteError
from relay.domain.subscriber_profile import SubscriberProfile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.cli.demo.scenario import Act
    from relay.cli.demo.server import DemoServer
    from relay.cli.demo.world import World
    from relay.domain.remote import Posted

PATIENCE: Final = 10.0
"""Seconds that a step may take to come to its end."""
GLANCE: Final = 0.02
"""Seconds between two looks at what the relay decided: a hold or a drop sends no message that could be waited for."""

_TYPES: Final = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".mp4": "video/mp4"}
_UNDECIDED: Final = frozenset({"screening", "deferred"})


class Audience(Protocol):
    """Whoever watches; called in order, from the event loop, and may take its time."""

    async def subscribed(self, server: DemoServer) -> None:
        """A server's Follow was accepted."""

    async def begins(self, number: int, act: Act) -> None:
        """A step begins."""

    async def ends(self, result: Result, totals: Totals) -> None:
        """A step has ended. `totals` count what happened so far."""


class Story:
    """One run of the scenario in a world."""

    def __init__(self, world: World, audience: Audience, acts: Sequence[Act] = ACTS) -> None:
        self._world, self._audience, self._acts = world, audience, acts
        self.results: list[Result] = []
        self._faults: list[str] = []
        self._notes: dict[str, frozenset[str]] = {}

    async def play(self, seconds: float) -> Report:
        """Let everything happen, within so many seconds; what did not come to happen is a fault."""
        try:
            async with asyncio.timeout(seconds):
                for server in self._world.servers.values():
                    await self._subscribe(server)
                for number, act in enumerate(self._acts, start=1):
                    await self._audience.begins(number, act)
                    self.results.append(await self._step(number, act))
                    await self._audience.ends(self.results[-1], await self._totals())
        except TimeoutError:
            late = len(self._acts) - len(self.results)
            self._faults.append(f"{late} steps had not ended after {seconds:g} seconds")
        return await self._report()

    # ------------------------------------------------------------------ one step

    async def _subscribe(self, server: DemoServer) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await server.subscribe()
                await server.subscribed()
        except (TimeoutError, RemoteError):
            self._faults.append(f"{server.name} could not subscribe")
            return
        if server.name in OPEN:
            office = self._world.relay.office
            [found] = [one for one in await office.subscribers.all() if one.actor == server.site.id]
            await office.profiles.change(found, SubscriberProfile(name="open"), who="demo")
        await self._audience.subscribed(server)

    async def _step(self, number: int, act: Act) -> Result:
        scans, answers = self.scans(), Counter(self._world.relay.tally.counts)
        blank = Result(number, act.by, act.what, 0, "unknown", "")
        object_id: str | None = None
        try:
            async with asyncio.timeout(PATIENCE):
                object_id, posted = await self._do(act)
                said = [code for _, code in self._world.relay.tally.counts - answers]
                result = replace(blank, status=posted.status, **_answered(posted, said))
                if result.decision == "unknown" and object_id is not None:
                    result = replace(result, **await self._decided(object_id, scans))
        except TimeoutError:
            result = replace(blank, why=f"no end after {PATIENCE:g} seconds")
        except RemoteError as error:
            result = replace(blank, why=f"no answer: {error}")
        if object_id is not None:
            self._notes[object_id] = act.expected.readers
            await self._wait_for_readers(object_id, act)
            result = replace(result, **self._received(object_id))
        result = replace(result, scans=self.scans() - scans)
        return replace(result, faults=judge(act, result))

    async def _do(self, act: Act) -> tuple[str | None, Posted]:
        """Let a server do its part; return the post's id and what the relay answered."""
        server = self._world.servers[act.by]
        if act.deed is Deed.LEAVE:
            posted = await server.leave()
            # The fan-out looks for such changes four times a second: now, or it may serve once more.
            await self._world.relay.fanout.look()
            return None, posted
        if act.deed is Deed.FORGE:
            victim = self._world.servers[PHOTOS]
            note = dict(server.add_note(act.what, [], public=True))
            note |= {"id": f"{victim.url}/posts/forged", "attributedTo": victim.author.id}
            signer = HandSigner(victim.author.key_id, server.author.key)
            return str(note["id"]), await server.send(victim.create(note), signer)
        public = act.deed is not Deed.WHISPER
        post = server.add_note(act.what, self._attached(act, server), public=public)
        return str(post["id"]), await server.publish(post)

    def _attached(self, act: Act, server: DemoServer) -> list[Mapping[str, object]]:
        if act.file is None:
            return []
        content = self._world.pictures.files[act.file]
        media_type = _TYPES[act.file[act.file.rindex(".") :]]
        attached: dict[str, object] = {
            "type": "Document",
            "mediaType": media_type,
            "url": server.add_file(act.file, media_type, content),
            "name": act.what,
        }
        if act.vouching is Vouching.NONE:
            return [attached]
        issuer, files = self._world.servers[PHOTOS].site, self._world.pictures.files
        about = files["meadow.jpg"] if act.vouching is Vouching.BORROWED else content
        key = Ed25519PrivateKey.generate() if act.vouching is Vouching.FORGED else None
        attestation = issuer.attest(about, self._world.clock, key=key)
        return [attached | {"hash": digest_of(about), "attestation": attestation}]

    # ------------------------------------------------------------------ what came of it

    def scans(self) -> int:
        """Return how often the relay has decoded a file so far."""
        stats = self._world.relay.decoder.stats
        return stats.decoded + sum(stats.undecodable.values())

    async def _decided(self, object_id: str, scans: int) -> dict[str, Any]:
        """Wait until the relay has decided on a post; return what `assay why` tells of it."""
        while True:
            found = await self._world.relay.office.explainer.why(object_id)
            if found and found[0]["state"] not in _UNDECIDED:
                break
            await self._world.clock.sleep(GLANCE)
        decision, medium = found[0]["decisions"][-1], next(iter(found[0]["media"]), None)
        return {
            "decision": decision["effective"],
            "why": decision["rule"],
            "reason": decision["reason"],
            "outcome": medium and medium["outcome"],
            "attestation": medium and medium["attestation"],
            "saw": saw(medium, self.scans() - scans, self._name_of(medium and medium["issuer"])),
        }

    async def _wait_for_readers(self, object_id: str, act: Act) -> None:
        with suppress(TimeoutError):  # who did not receive it is found out afterwards
            async with asyncio.timeout(PATIENCE):
                for name in act.expected.readers:
                    await self._world.servers[name].received(object_id)

    def _received(self, object_id: str) -> dict[str, Any]:
        arrivals = {
            name: server.arrivals[object_id]
            for name, server in self._world.servers.items()
            if object_id in server.arrivals
        }
        shown = [name for name, arrival in arrivals.items() if arrival.problem is None]
        vouchers = {voucher for name in shown for voucher in arrivals[name].vouchers}
        return {
            "received": tuple(shown),
            "verified": tuple(name for name in shown if arrivals[name].vouchers),
            "voucher": " and ".join(sorted(filter(None, map(self._name_of, vouchers)))) or None,
        }

    def _name_of(self, actor_id: str | None) -> str | None:
        if actor_id is None:
            return None
        named = {server.site.id: name for name, server in self._world.servers.items()}
        return named.get(actor_id, RELAY)

    # ------------------------------------------------------------------ the whole

    async def _report(self) -> Report:
        faults = [f"step {one.number}, {one.by}: {text}" for one in self.results for text in one.faults]
        for name, server in self._world.servers.items():
            excess = server.arrivals.keys() - {
                note for note, readers in self._notes.items() if name in readers
            }
            if excess:
                faults.append(f"{name} received what it should not: {', '.join(sorted(excess))}")
            faults += [
                f"{name} could not show a post: {a.problem}" for a in server.arrivals.values() if a.problem
            ]
            if server.refused:
                faults.append(f"{name} refused {server.refused} deliveries")
        return Report(
            tuple(self.results), await self._totals(), tuple(dict.fromkeys([*self._faults, *faults]))
        )

    async def _totals(self) -> Totals:
        contents = self._world.pictures.files.values()
        digests = {digest_of(content).removeprefix("sha256:") for content in contents}
        issued = [await self._world.relay.attestor.look_up(digest) for digest in sorted(digests)]
        decisions = Counter(result.decision for result in self.results)
        done = self._acts[: len(self.results)]
        return Totals(
            posts=sum(act.deed is not Deed.LEAVE for act in done),
            media=sum(act.file is not None for act in done),
            scans=sum(result.scans for result in self.results),
            attested=sum(one is not None and one.jws is not None for one in issued),
            deliveries=sum(len(result.received) for result in self.results),
            verified=sum(len(result.verified) for result in self.results),
            held=decisions["quarantine"],
            dropped=decisions["drop"],
            refused=decisions["refused"],
        )


def _answered(posted: Posted, said: Sequence[str]) -> dict[str, Any]:
    """Tell what an answer of the relay means when nothing was stored; nothing while it is still to be decided."""
    if posted.status != 202:
        code = f"status {posted.status}"
        with suppress(ValueError, KeyError, TypeError):
            code = str(json.loads(posted.detail)["code"])
        return {"decision": "refused", "why": code, "saw": "nothing: not the sender's signature"}
    code = said[0] if len(said) == 1 else " ".join(said)
    if code == "unfollowed":
        return {"decision": "left", "why": code, "saw": "an Undo of its Follow"}
    if code.startswith("ignored-"):
        return {"decision": "ignored", "why": code.removeprefix("ignored-"), "saw": "nothing: not looked at"}
    return {}
