"""Temporary inboxes: made for whoever asks, each with a key of its own, and gone with all that came after a day.

What comes is written down as it came and answered at once; looking at it (`looking`) is the work of `run`. Everything
has an end: so many inboxes, so many deliveries in each, so many bytes in all.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from relay.domain.errors import Busy, NotFound, Refused, TooLarge
from relay.domain.lab.inbox import Delivery, Seen, TemporaryInbox
from relay.protocol.documents import dump
from relay.protocol.lab import temporary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relay.ports import Clock, Store
    from relay.protocol.documents import Json
    from relay.protocol.requests import SignedRequest
    from relay.services.identity import Identity
    from relay.services.lab.looking import Looker
    from relay.services.lab.rules import Clients, LabRules
    from relay.services.signals import Wakeup

    MakeKey = Callable[[], tuple[str, str]]

MOST_DELIVERIES: Final = 50
LARGEST: Final = 64 * 1024
"""Bytes of a delivery's body."""
LARGEST_HEADERS: Final = 16 * 1024
MOST_BYTES: Final = 64 * 1024 * 1024
"""Bytes of everything that came to temporary inboxes."""
AT_ONCE: Final = 4
"""Deliveries that are looked at at the same time."""
LOOK_EVERY: Final = 30.0
NOT_LOOKED_AT: Final = Seen(
    None, "not-looked-at", "The lab failed to look at this delivery; its operator is told why."
)
"""What is known of a delivery that brought out a bug."""
_log: Final = logging.getLogger(__name__)


class TemporaryInboxes:
    """Makes them, takes what comes, and has it looked at. `make_key` returns private and public PEM of an RSA key."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        identity: Identity,
        looker: Looker,
        rules: LabRules,
        clients: Clients,
        wakeup: Wakeup,
        make_key: MakeKey,
    ) -> None:
        self._store, self._clock, self._identity, self._looker = store, clock, identity, looker
        self.rules, self._clients, self._wakeup, self._make_key = rules, clients, wakeup, make_key

    @property
    def offered(self) -> bool:
        """Whether there are temporary inboxes here."""
        return self.rules.inboxes > 0

    async def create(self, client: str) -> TemporaryInbox:
        """Make one for a client. Raises `TooMany`, `Busy` (there are enough), `Refused` (none are offered)."""
        if not self.offered:
            raise Refused("This lab offers no temporary inboxes.", code="not-offered")
        self._clients.check(client)
        await self._check_room()
        private, public = await asyncio.to_thread(self._make_key)
        now = self._clock.now()
        inbox = TemporaryInbox(self._clock.new_id(), private, public, now, now + self.rules.inbox_life)
        async with self._store.transaction() as tx:
            await tx.lab.forget(now)
            await tx.lab.add_inbox(inbox)
        return inbox

    async def _check_room(self) -> None:
        async with self._store.reading() as tx:
            inboxes, size = await tx.lab.room(self._clock.now())
        if inboxes >= self.rules.inboxes or size >= MOST_BYTES:
            raise Busy("All temporary inboxes are in use. Please try again later.", retry_after=600)

    async def get(self, token: str) -> TemporaryInbox:
        """Return an inbox. Raises `NotFound`."""
        inbox = None
        if temporary.TOKEN.fullmatch(token):
            async with self._store.reading() as tx:
                inbox = await tx.lab.inbox(token, self._clock.now())
        if inbox is None:
            raise NotFound("There is no such inbox. Temporary inboxes are deleted when their time is over.")
        return inbox

    async def document(self, token: str) -> bytes:
        """Return its actor document. Raises `NotFound`."""
        return dump(temporary.actor(await self.get(token), url=self._identity.url))

    async def webfinger(self, resource: str) -> Json | None:
        """Return the JRD of an inbox that a WebFinger resource names; None when it names none."""
        token = temporary.token_in(resource, url=self._identity.url)
        if token is None:
            return None
        await self.get(token)
        return temporary.webfinger(token, url=self._identity.url)

    async def receive(self, token: str, request: SignedRequest) -> None:
        """Write a delivery down; what finds no room is counted. Raises `NotFound`, `TooLarge`."""
        size = sum(len(name) + len(value) for name, value in request.headers)
        if len(request.body) > LARGEST or size + len(request.target) > LARGEST_HEADERS:
            raise TooLarge
        await self.get(token)
        now = self._clock.now()
        # What is not UTF-8 cannot stand in JSON, and a signature over it would not verify anyway.
        headers = tuple(
            (name, value.encode("utf-8", "replace").decode("utf-8")) for name, value in request.headers
        )
        delivery = Delivery(0, token, now, request.target, headers, request.body)
        async with self._store.transaction() as tx:
            _, taken = await tx.lab.room(now)
            await tx.lab.receive(delivery, most=MOST_DELIVERIES if taken < MOST_BYTES else 0)
        self._wakeup.set()

    async def deliveries(self, token: str) -> Sequence[Delivery]:
        """Return what came, oldest first."""
        async with self._store.reading() as tx:
            return await tx.lab.deliveries(token)

    async def remove(self, token: str) -> None:
        """Delete an inbox and all that came to it. Raises `NotFound`."""
        await self.get(token)
        async with self._store.transaction() as tx:
            await tx.lab.remove_inbox(token)

    async def run(self) -> None:
        """Look at what came until cancelled."""
        while True:
            await self.run_once()
            await self._wakeup.wait(LOOK_EVERY)

    async def run_once(self) -> int:
        """Look at everything that nobody looked at; return how many there were."""
        done = 0
        while found := await self._unseen():
            async with asyncio.TaskGroup() as tasks:
                for delivery in found:
                    tasks.create_task(self._look(delivery))
            done += len(found)
        return done

    async def _unseen(self) -> Sequence[Delivery]:
        async with self._store.reading() as tx:
            return await tx.lab.unseen(AT_ONCE)

    async def _look(self, delivery: Delivery) -> None:
        async with self._store.reading() as tx:
            inbox = await tx.lab.inbox(delivery.token, self._clock.now())
        if inbox is None:
            async with self._store.transaction() as tx:
                await tx.lab.remove_inbox(delivery.token)
            return
        try:
            seen = await self._looker.look(inbox, delivery)
        except Exception:  # noqa: BLE001 - the last line of defence
            # What a stranger sent must not take the relay down, nor be looked at again and again.
            _log.exception("looking at delivery %s failed", delivery.id)
            seen = NOT_LOOKED_AT
        async with self._store.transaction() as tx:
            await tx.lab.settle(delivery.id, seen)
