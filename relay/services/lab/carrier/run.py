"""One run of the test of a relay, from finding it to leaving it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from relay.domain.errors import RemoteError
from relay.domain.lab.model import Outcome, Role, Run
from relay.services.lab.carrier.finding import find
from relay.services.lab.carrier.hostile import Hostile
from relay.services.lab.carrier.posts import Pictures, Writer
from relay.services.lab.carrier.relaying import Relaying
from relay.services.lab.carrier.scene import Scene
from relay.services.lab.carrier.subscribing import Subscribing
from relay.services.lab.carrier.vouching import Vouching

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relay.domain.lab.model import Result
    from relay.ports.throwaway import KeyMaker
    from relay.services.lab.carrier.relaying import Round
    from relay.services.lab.carrier.scene import RelayFound
    from relay.services.lab.stage import Stage

PICTURES: int = 32
"""Clean pictures that a run needs."""


class CarrierTest:
    """Tests a relay on a stage of three servers: one that posts, one of Mastodon's kind, one of LitePub's.

    `paint` makes the pictures, `PICTURES` clean ones, and is called in a thread. `patience` in seconds for each thing
    that should happen, `quiet` for what should not; `tester` names the lab and its version.
    """

    def __init__(
        self,
        stage: Stage,
        *,
        paint: Callable[[], Pictures],
        patience: float,
        quiet: float,
        hostile: bool,
        tester: str,
        make_keys: KeyMaker,
        told: Callable[[Result], None] = lambda _: None,
    ) -> None:
        author, mastodon, litepub = stage.houses
        self._stage, self._tester, self._make_keys, self._paint = stage, tester, make_keys, paint
        nothing = Pictures((), b"", b"")
        self._scene = Scene(stage, author, mastodon, litepub, nothing, patience, quiet, hostile, told)

    async def run(self, url: str, *, options: Sequence[str] = ()) -> Run:
        """Test the relay at `url`: its actor, its inbox, or its origin. Raises `RemoteError` when nobody answers."""
        started = self._stage.clock.now()
        relay = await find(self._scene, url)
        if relay is None:
            self._scene.fill(Outcome.UNTESTED, "There is no actor to follow.")
        else:
            await self._test(relay)
        results = sorted(self._scene.results, key=lambda result: result.code)
        finished = self._stage.clock.now()
        return Run(Role.CARRIER, url, started, finished, self._tester, tuple(results), tuple(options))

    async def _test(self, relay: RelayFound) -> None:
        scene = self._scene
        scene.pictures = await asyncio.to_thread(self._paint)
        subscribing = Subscribing(scene, relay)
        try:
            why = (
                await self._post(relay, subscribing)
                if await subscribing.follow()
                else "Nobody is subscribed."
            )
        finally:
            await subscribing.end()
        Vouching(scene, relay).signatures()
        if why is not None:
            scene.fill(Outcome.UNTESTED, why)

    async def _post(self, relay: RelayFound, subscribing: Subscribing) -> str | None:
        """Post, and judge what came; return what kept it from being done."""
        scene = self._scene
        writer = Writer(self._stage, scene.pictures, relay.inbox)
        vouching, relaying = Vouching(scene, relay), Relaying(scene, relay, writer)
        try:
            made = await relaying.first()
        except RemoteError as error:
            return f"The relay stopped taking posts: {error}."
        relaying.arrivals(made)
        relaying.withheld(made)
        self._declared(made, vouching)
        await relaying.changes(made)
        if scene.hostile:
            keys = await asyncio.gather(*(asyncio.to_thread(self._make_keys) for _ in range(2)))
            await Hostile(scene, relay, writer, vouching, *keys).run(made.attested)
        vouching.bodies()
        vouching.fields([made.attested, made.sixteen, made.last, made.plain])
        await vouching.tokens()
        await relaying.clear()
        await subscribing.leave(writer)
        return None

    @staticmethod
    def _declared(made: Round, vouching: Vouching) -> None:
        """Judge posts that declare something else than what is served."""
        declared = frozenset(made.cloaked.media[0].declared.values())
        vouching.not_vouched(223, "cloaked", made.cloaked, declared)
        for name, post in made.bad.items():
            vouching.not_vouched(225, name, post, frozenset({made.attested.media[0].digest}))
        vouching.sixteen(made.sixteen)
