"""Questions from outside: who asks, how often, and how long the answer takes.

Whatever the answer, and also when there is none, it comes after a wait that depends on nothing (see `misses`): how long
the store took must not tell what stands in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.domain import hosts
from relay.domain.errors import Malformed, NotFound, TooMany
from relay.services.explain import Asker
from relay.services.throttle import Throttle, client_of

if TYPE_CHECKING:
    from relay.domain.rates import Rate
    from relay.ports import Clock, Store
    from relay.protocol.httpsig import SignedRequest
    from relay.services.authenticate import Authenticator
    from relay.services.explain import Answer, Explainer
    from relay.services.logins import Logins
    from relay.services.misses import Misses

_ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class InquiryRules:
    """How often one client or one server may ask, and all together; None for no limit."""

    rate: Rate | None
    rate_of_all: Rate | None


class Inquiries:
    """Takes questions why a post was relayed or not."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        explainer: Explainer,
        authenticator: Authenticator,
        logins: Logins,
        misses: Misses,
        rules: InquiryRules,
    ) -> None:
        self._store, self._explainer, self._authenticator = store, explainer, authenticator
        self._logins, self._misses, self._rules = logins, misses, rules
        self._throttle = Throttle(clock)
        self.retention = explainer.retention

    def check(self, address: str) -> None:
        """Count a question of who has this IP address, before anything is done for it. Raises `TooMany`."""
        self._take(f"client {client_of(address)}", self._rules.rate)
        self._take(_ALL, self._rules.rate_of_all)

    async def signed(self, request: SignedRequest) -> Asker:
        """Return who signed a question; as a subscriber only the very actor that follows the relay.

        Raises what `Authenticator.authenticate` raises, and `TooMany`.
        """
        sender = await self._authenticator.authenticate(request)
        self._take(f"server {sender.server}", self._rules.rate)
        async with self._store.reading() as tx:
            subscription = await tx.subscribers.by_actor(sender.actor)
        return Asker.speaking(sender.server, [] if subscription is None else [subscription])

    async def signed_in(self, secret: str | None) -> Asker | None:
        """Return who asks in a browser in which the admin of a subscriber is signed in; None for anybody else."""
        login = await self._logins.current(secret)
        if login is None or not login.opened:
            return None
        return Asker.speaking(login.server, await self._logins.subscriptions(login))

    async def answer(self, url: str, asker: Asker | None) -> Answer:
        """Answer a question about the post at a URL. Raises `Malformed` for what is no URL, and `NotFound`."""
        url = url.strip()
        if not hosts.is_http_url(url):
            raise Malformed(
                "Ask with the address of a post, such as https://social.example/@a/1.", code="bad-url"
            )
        answer = await self._explainer.answer(url, asker or Asker())
        await self._misses.pause()
        if answer is None:
            raise NotFound("Nothing is known of a public post with this address.", code="unknown-post")
        return answer

    def _take(self, name: str, rate: Rate | None) -> None:
        wait = self._throttle.take(name, rate)
        if wait:
            raise TooMany("That is asked too often. Please wait a moment and try again.", retry_after=wait)
