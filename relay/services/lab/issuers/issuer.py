"""The test of an issuer, from its actor document to the rotation of its key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from relay.domain import strictjson
from relay.domain.errors import Malformed, RemoteError
from relay.domain.lab.cases.issuer import ISSUER
from relay.domain.lab.model import Outcome, Result
from relay.protocol.lab import issuing
from relay.services.lab.issuers.lookup import StatusKeeper, look_up, status_lists
from relay.services.lab.issuers.objects import Objects
from relay.services.lab.issuers.seen import Seen
from relay.services.lab.issuers.service import Service

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from relay.domain.lab.exchange import Exchange
    from relay.services.lab.issuers.seen import Outside
    from relay.services.lab.issuers.service import Pictures, Trap

PATIENCE: Final = 90.0
"""Seconds for which the service is asked again after 202."""
ROTATES: Final = 60.0
"""Seconds within which a new key has to be in use after the command."""
_EVERY: Final = 5.0
_NOT_ROTATED: Final = "No key was replaced while we looked."


@dataclass(frozen=True, slots=True)
class Plan:
    """What is tested: the issuer's actor id, objects with attestations of it, and what is submitted.

    `rotate` lets the issuer take a new key, and raises `RemoteError` when that fails; None: it is not tried.
    """

    target: str
    objects: Sequence[str]
    pictures: Pictures
    trap: Trap
    rotate: Callable[[], Awaitable[None]] | None = None
    patience: float = PATIENCE


class IssuerTest:
    """Tests one issuer. The stage has two houses at least; `tell` hears of each result as it comes."""

    def __init__(self, outside: Outside, plan: Plan, *, tell: Callable[[Result], None] | None = None) -> None:
        self._outside, self._plan = outside, plan
        self._seen = Seen(plan.target, tell=tell)
        self._keeper = StatusKeeper(outside)
        self._reader = outside.stage.houses[0].actors["/actor"]

    async def run(self) -> list[Result]:
        """Test, and return a result for every case. Raises nothing that a server can cause."""
        if await self._actor():
            await self._all()
        told = {result.code for result in self._seen.results}
        for case in ISSUER:
            if case.code not in told:
                self._seen.add(Result(case.code, Outcome.UNTESTED, "Nothing was seen that it is about."))
        return sorted(self._seen.results, key=lambda result: result.code)

    async def _all(self) -> None:
        seen, plan = self._seen, self._plan
        objects = Objects(seen, self._outside, self._keeper, self._reader)
        await objects.look(plan.objects)
        prefix = issuing.lookup_of(seen.actor)
        service = self._service(prefix)
        if service is None:
            await look_up(seen, self._outside, prefix, self._reader, [])
            seen.say(106, Outcome.INAPPLICABLE, _NOT_ROTATED)
        else:
            await self._serving(service, prefix)
        status_lists(seen, self._keeper)
        self._keys()
        self._tokens()

    async def _serving(self, service: Service, prefix: str | None) -> None:
        """What needs a subscriber."""
        try:
            kept_back = await service.run()
            await look_up(self._seen, self._outside, prefix, self._reader, kept_back)
            if self._plan.rotate is None:
                self._seen.say(106, Outcome.INAPPLICABLE, _NOT_ROTATED)
            else:
                await self._rotation(service, self._plan.rotate)
        finally:
            await service.leave()

    # ------------------------------------------------------------------ the actor

    async def _actor(self) -> bool:
        """K-06; whether there is a document at all."""
        seen, url = self._seen, self._plan.target
        try:
            answer = await self._outside.get(url)
        except RemoteError as error:
            seen.say(101, Outcome.FAILED, f"The actor could not be fetched: {error}")
            return False
        is_open = answer.status == 200
        fault = None if is_open else f"An unsigned request was answered {answer.status}."
        seen.judge(101, fault, "It was served to an unsigned request.", answer.evidence("answer"))
        if not is_open:
            try:
                answer = await self._outside.signed_get(self._reader, url)
            except RemoteError:
                return False
        seen.actor = _document(answer)
        if seen.actor.get("id") == url:
            return True
        seen.say(
            102, Outcome.FAILED, "What stands there is no actor with this id.", answer.evidence("answer")
        )
        return False

    def _keys(self) -> None:
        seen, actor = self._seen, self._seen.actor
        kids = seen.kids
        seen.judge(102, issuing.bad_keys(actor, kids), "Every key is embedded as a Multikey.")
        seen.judge(103, issuing.odd_names(actor), "Every key has the form.")
        seen.judge(104, issuing.other_uses(actor, kids), "No other use can be seen in the actor.")
        seen.judge(105, issuing.unnamed_profile(actor), "The profile is named.")

    def _service(self, prefix: str | None) -> Service | None:
        inbox = self._seen.actor.get("inbox")
        if prefix is None or not isinstance(inbox, str):
            for number in (151, 152, 153, 154, 155, 156):
                self._seen.say(
                    number, Outcome.INAPPLICABLE, "The actor names no lookup beside which a service is."
                )
            return None
        return Service(
            self._seen,
            self._outside,
            self._keeper,
            prefix.removesuffix("sha256/").rstrip("/"),
            inbox,
            self._plan.pictures,
            self._plan.trap,
            self._plan.patience,
        )

    # ------------------------------------------------------------------ tokens

    def _tokens(self) -> None:
        seen = self._seen
        if not seen.tokens:
            return
        for code in issuing.OF_TOKENS:
            seen.add(issuing.gathered(code, seen.examined))
        stated = {token.attestation: token.stated for token in seen.tokens if token.stated}
        if len(stated) < 2:
            seen.say(113, Outcome.CANNOT_TELL, "Fewer than two tokens were seen.")
        else:
            fault = issuing.repeated_ids(stated.values())
            seen.judge(113, fault, f"{len(stated)} tokens have different ids.")

    # ------------------------------------------------------------------ rotation

    async def _rotation(self, service: Service, rotate: Callable[[], Awaitable[None]]) -> None:
        """K-04: let the key be replaced between two tokens."""
        seen = self._seen
        before = seen.kids
        if not before:
            seen.say(106, Outcome.CANNOT_TELL, "No token is known that was made before.")
            return
        try:
            await rotate()
            after = await self._new_key(service, before)
            answer = await self._outside.get(self._plan.target)
        except RemoteError as error:
            seen.say(106, Outcome.CANNOT_TELL, f"The key could not be replaced: {error}")
            return
        if after is None:
            seen.say(106, Outcome.CANNOT_TELL, f"No new key was in use within {ROTATES:g} s of the command.")
            return
        seen.actor = _document(answer)
        fault = issuing.bad_keys(seen.actor, [*before, after])
        seen.judge(106, fault, f"{before[-1]} is still listed beside {after}.", answer.evidence("actor"))

    async def _new_key(self, service: Service, before: Sequence[str]) -> str | None:
        """Submit new pictures until one is attested with a new key; None when that takes too long."""
        clock = self._outside.clock
        ends = clock.monotonic() + ROTATES
        submitter = service.submitter(service.houses[0])
        while clock.monotonic() < ends:
            content = service.picture()
            told = await submitter.submit(content)
            self._seen.actor = _document(await self._outside.get(self._plan.target)) or self._seen.actor
            await service.keep("after the command", content, told)
            new = [kid for kid in self._seen.kids if kid not in before]
            if new:
                return new[0]
            await clock.sleep(_EVERY)
        return None


def _document(answer: Exchange) -> Mapping[str, Any]:
    """The document of an answer; an empty one where there is none."""
    try:
        found = strictjson.loads(answer.body) if answer.status == 200 else None
    except Malformed:
        return {}
    return found if isinstance(found, dict) else {}
