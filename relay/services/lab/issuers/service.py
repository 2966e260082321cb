"""The attestation service of an issuer, as a server that it serves sees it, and as strangers do (S-04 to S-06)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mediaattest import digest_of
from relay.domain.errors import RemoteError
from relay.domain.lab.model import Evidence, Outcome
from relay.protocol.documents import AS2, FollowEcho, dump, undo
from relay.protocol.lab.documents import Given, examine
from relay.protocol.lab.stepping import Terms
from relay.services.lab.issuers.seen import Token
from relay.services.lab.issuers.submitting import JSON, PICTURE, Submitter, Told, alike

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from relay.domain.lab.model import Result
    from relay.services.lab.house import House
    from relay.services.lab.issuers.lookup import StatusKeeper
    from relay.services.lab.issuers.seen import Outside, Seen

PUBLIC: Final = f"{AS2}#Public"
MANY: Final = 10
"""Pictures that are submitted to see many tokens."""
CASES: Final = (151, 152, 153, 154, 155, 156)
_PATH: Final = "/media/lab.jpg"
_LEADING: Final = "/media/leading.jpg"


@dataclass(frozen=True, slots=True)
class Pictures:
    """What is submitted: `clean(n)` is a new picture that is on no list, the others are named by what is wrong."""

    clean: Callable[[int], bytes]
    match: bytes
    unfit: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Trap:
    """An address of this machine, on plain http, that serves a clean picture; `asked` counts who came."""

    url: str
    asked: Callable[[], int]


@dataclass(slots=True)
class Service:
    """Tests the service at `url`. The first house subscribes, until it is told to `leave`; the second does not.

    `patience` in seconds.
    """

    seen: Seen
    outside: Outside
    keeper: StatusKeeper
    url: str
    inbox: str
    pictures: Pictures
    trap: Trap
    patience: float
    drawn: int = 0

    @property
    def houses(self) -> tuple[House, House]:
        """The subscriber and the stranger."""
        first, second = self.outside.stage.houses[:2]
        return first, second

    def submitter(self, house: House) -> Submitter:
        """A client of the service on a server of the stage."""
        return Submitter(self.outside, house.actors["/actor"], self.url, patience=self.patience)

    def picture(self) -> bytes:
        """A picture that nobody submitted before."""
        self.drawn += 1
        return self.pictures.clean(self.drawn)

    async def run(self) -> list[str]:
        """Test; return the digests, in hex, of what was submitted and not attested."""
        try:
            await self._strangers()
            if not await self._subscribe():
                self._not_served("it did not accept our Follow")
                return []
            return await self._served()
        except RemoteError as error:
            told = {result.code for result in self.seen.results}
            for number in CASES:
                if f"ATT-{number}" not in told:
                    self.seen.say(number, Outcome.CANNOT_TELL, f"The service could not be asked: {error}")
            return []

    def _not_served(self, why: str) -> None:
        for number in CASES[1:]:
            self.seen.say(number, Outcome.INAPPLICABLE, f"The service does not serve us: {why}.")

    # ------------------------------------------------------------------ strangers

    async def _strangers(self) -> None:
        """S-04: nothing is checked, or even fetched, for who does not sign, or is not known."""
        stranger = self.houses[1]
        url = stranger.file(_PATH, PICTURE, self.picture())
        faults = []
        for name, content, kind in (
            ("a file", self.picture(), PICTURE),
            ("an address", dump({"url": url}), JSON),
        ):
            unsigned = await self.outside.probe.exchange(
                "POST",
                self.url,
                headers={"Content-Type": kind},
                body=content,
                limit=4096,
                timeout=self.outside.timeout,
            )
            if unsigned.status < 400:
                faults.append(f"{name} without a signature was answered {unsigned.status}")
            told = await self.submitter(stranger).submit(content, kind)
            if told.first.status < 400:
                faults.append(f"{name} of a stranger was answered {told.first.status}")
        if stranger.asked(url):
            faults.append("the address was fetched")
        fault = f"{'; '.join(faults)}.".capitalize() if faults else None
        self.seen.judge(151, fault, "Unsigned requests and strangers were refused, and nothing was fetched.")

    # ------------------------------------------------------------------ subscribing

    async def _subscribe(self) -> bool:
        stage, house = self.outside.stage, self.houses[0]
        since, actor = stage.now, house.actors["/actor"]
        document = {"@context": AS2} | self._follow(house).document()
        try:
            posted = await stage.outgoing.send(actor, self.inbox, document)
        except RemoteError:
            return False

        def accepted() -> bool:
            return any(
                one.activity is not None and one.activity.actor == self.seen.target
                for one in house.came("Accept", since=since)
            )

        return 200 <= posted.status < 300 and await stage.until(accepted, self.outside.timeout)

    async def leave(self) -> None:
        """Take the Follow back."""
        house = self.houses[0]
        actor = house.actors["/actor"]
        document = undo(
            id=f"{house.url}/undos/issuer", actor=actor.id, follow=self._follow(house), to=self.seen.target
        )
        try:
            await self.outside.stage.outgoing.send(actor, self.inbox, document)
        except RemoteError:
            return  # it was only to be polite

    def _follow(self, house: House) -> FollowEcho:
        return FollowEcho(f"{house.url}/follows/issuer", house.actors["/actor"].id, PUBLIC)

    # ------------------------------------------------------------------ served

    async def _served(self) -> list[str]:
        submitter, leading = self.submitter(self.houses[0]), self._leading()
        files = [self.picture() for _ in range(MANY)]
        kept_back = {"match": self.pictures.match, **self.pictures.unfit}
        async with asyncio.TaskGroup() as tasks:
            many = [tasks.create_task(submitter.submit(one)) for one in files]
            others = {name: tasks.create_task(submitter.submit(one)) for name, one in kept_back.items()}
            led = tasks.create_task(submitter.submit_url(leading))
        clean = [(content, task.result()) for content, task in zip(files, many, strict=True)]
        told = {name: task.result() for name, task in others.items()}
        if all(one.first.status in {401, 403} for one in told.values()):
            self._not_served(f"the subscriber was answered {next(iter(told.values())).first.status}")
            return []
        await self._given(clean)
        self._kept_back(told)
        await self._again(submitter, clean)
        await self._foreign(submitter)
        self._led(led.result())
        return [digest_of(one)[7:] for name, one in kept_back.items() if told[name].properties is None]

    async def _given(self, clean: list[tuple[bytes, Told]]) -> None:
        attested = [(content, told) for content, told in clean if told.properties is not None]
        evidence = clean[0][1].last.evidence("answer")
        if not attested:
            self.seen.say(152, Outcome.FAILED, f"Of {len(clean)} clean pictures none was attested.", evidence)
            return
        detail = f"{len(attested)} of {len(clean)} clean pictures were attested."
        self.seen.say(152, Outcome.PASSED, detail)
        for number, (content, told) in enumerate(attested, 1):
            await self.keep(f"submission {number}", content, told)

    async def keep(self, name: str, content: bytes, told: Told) -> Token | None:
        """Look at what was answered about some bytes, and keep it."""
        if told.properties is None:
            return None
        declared, attestation = told.properties
        terms = self._terms()
        document = {"type": "Image", "url": name, "hash": declared, "attestation": attestation}
        given = Given(document, terms, digests={name: digest_of(content)})
        first = examine(given).examined[0]
        stated = first.result.attestation
        if stated is not None and stated.status is not None:
            await self.keeper.fetch([stated.status.uri], self.seen.target, self.seen.actor)
        results: tuple[Result, ...] = examine(given).results
        self.seen.examined.append((name, results))
        token = Token(name, attestation, digest_of(content), stated)
        self.seen.tokens.append(token)
        return token

    def _terms(self) -> Terms:
        actors = {self.seen.target: self.seen.actor}
        trusted = frozenset({self.seen.target})
        return Terms(
            actors, trusted, None, int(self.outside.clock.now()), strict=True, status=self.keeper.status
        )

    def _kept_back(self, told: Mapping[str, Told]) -> None:
        match = told["match"]
        evidence = [Evidence(name, one.last.evidence(name).text) for name, one in told.items()]
        if match.properties is not None:
            detail = "The canary picture, which is on the lab's own list, was attested."
            self.seen.say(153, Outcome.FAILED, detail, evidence[0])
            detail = "The issuer does not know the canary, so nothing is known that matches."
            self.seen.say(154, Outcome.INAPPLICABLE, detail)
            return
        self.seen.say(153, Outcome.PASSED, "The canary picture was not attested.")
        pending = [name for name, one in told.items() if one.pending]
        if pending:
            detail = f"There was no answer about {pending[0]} within {self.patience:g} s."
            self.seen.say(154, Outcome.CANNOT_TELL, detail, *evidence)
            return
        times = ", ".join(f"{name} after {one.seconds:.0f} s" for name, one in told.items())
        fault = None if alike(list(told.values())) else "The answers differ in more than their time."
        self.seen.judge(154, fault, f"The answers are the same: {times}.", *evidence)

    async def _again(self, submitter: Submitter, clean: list[tuple[bytes, Told]]) -> None:
        """I-11."""
        found = next((one for one in clean if one[1].properties is not None), None)
        if found is None:
            return
        content, before = found
        after = await submitter.submit(content)
        fault = None if after.properties == before.properties else "The second answer held another token."
        self.seen.judge(119, fault, "The second answer held the same token.")

    async def _foreign(self, submitter: Submitter) -> None:
        """S-06: what is on another server is not fetched."""
        other = self.houses[1]
        foreign = other.file("/media/foreign.jpg", PICTURE, self.picture())
        told = await submitter.submit_url(foreign)
        fault = None
        if other.asked(foreign):
            fault = "The file on another server was fetched."
        elif told.first.status < 400:
            fault = f"The request was answered {told.first.status}."
        self.seen.judge(155, fault, f"It was answered {told.first.status}, and nothing was fetched.")

    def _leading(self) -> str:
        """An address of the subscriber that redirects to where nobody may be led."""
        own = self.houses[0]
        address = own.file(_LEADING, PICTURE, b"")
        own.files[_LEADING].location = self.trap.url
        return address

    def _led(self, told: Told) -> None:
        fault = None
        if self.trap.asked():
            fault = "The redirect to plain http on this machine was followed."
        elif told.properties is not None:
            fault = "Something behind the redirect was attested."
        self.seen.judge(156, fault, f"It was not followed; the answer was {told.last.status}.")
