"""The lookup and the status lists of an issuer (profile S-01 to S-03, S-07, S-08, S-10)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mediaattest import STATUS_LIST_TYPE, Status, from_data_url, read_status_list
from relay.domain.errors import RemoteError
from relay.domain.lab.model import Outcome
from relay.protocol.lab.issuing import FEW, places_in_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from mediaattest import Attestation, StatusList
    from relay.domain.lab.exchange import Exchange
    from relay.services.lab.actors import LabActor
    from relay.services.lab.issuers.seen import Outside, Seen

JWT: Final = "application/jwt"
_REFUSALS: Final = frozenset({401, 403})
_OWN: Final = frozenset({"date", "age"})


async def look_up(
    seen: Seen, outside: Outside, prefix: str | None, actor: LabActor, kept_back: Sequence[str]
) -> None:
    """Try the lookup at `prefix` as `actor`. `kept_back` are digests in hex that were submitted and not attested."""
    if prefix is None:
        for number in (131, 132, 133, 134):
            seen.say(number, Outcome.INAPPLICABLE, "The actor names no lookup.")
        return
    try:
        await _Lookup(seen, outside, prefix, actor).run(kept_back)
    except RemoteError as error:
        seen.say(131, Outcome.CANNOT_TELL, f"The lookup could not be asked: {error}")


class _Lookup:
    def __init__(self, seen: Seen, outside: Outside, prefix: str, actor: LabActor) -> None:
        self._seen, self._outside, self._prefix, self._actor = seen, outside, prefix, actor
        self._signed = False

    async def run(self, kept_back: Sequence[str]) -> None:
        unknown = [self._outside.clock.token(32).hex() for _ in range(2)]
        unsigned = await self._outside.get(self._prefix + unknown[0], accept=JWT)
        self._signed = unsigned.status in _REFUSALS
        good = "Unsigned requests are refused."
        self._seen.judge(
            134, None if self._signed else f"An unsigned request was answered {unsigned.status}.", good
        )
        await self._given_out()
        nothing = [await self._get(digest) for digest in (*unknown, *kept_back)]
        served = [one for one in nothing if one.status not in _REFUSALS]
        if not served:
            self._seen.say(
                132, Outcome.INAPPLICABLE, "The lookup is not for us.", nothing[0].evidence("answer")
            )
            return
        evidence = [one.evidence("answer") for one in nothing]
        self._seen.judge(132, _difference(nothing), _of(nothing, kept_back), *evidence)

    async def _given_out(self) -> None:
        tokens = {token.digest: token for token in self._seen.tokens if token.stated is not None}
        answers = [
            (token, await self._get(digest.removeprefix("sha256:"))) for digest, token in tokens.items()
        ]
        gone = [answer for _, answer in answers if answer.status == 410]
        if gone:
            self._seen.say(133, Outcome.PASSED, f"{len(gone)} were answered 410.")
        else:
            self._seen.say(133, Outcome.INAPPLICABLE, "Nothing that we know of was taken back.")
        found = [(token, answer) for token, answer in answers if answer.status == 200]
        if not answers:
            self._seen.say(131, Outcome.UNTESTED, "No token is known that could be looked up.")
        elif not found:
            refused = all(answer.status in _REFUSALS for _, answer in answers)
            outcome = Outcome.INAPPLICABLE if refused else Outcome.FAILED
            detail = f"Of {len(answers)} digests with a token none was answered 200."
            self._seen.say(131, outcome, detail, answers[0][1].evidence("answer"))
        else:
            faults = [fault for token, answer in found if (fault := _no_token(token.digest, answer))]
            evidence = [answer.evidence("answer") for _, answer in found[:1]]
            self._seen.judge(131, faults[0] if faults else None, f"{len(found)} were answered.", *evidence)

    async def _get(self, digest: str) -> Exchange:
        url = self._prefix + digest
        if self._signed:
            return await self._outside.signed_get(self._actor, url, accept=JWT)
        return await self._outside.get(url, accept=JWT)


def _no_token(digest: str, answer: Exchange) -> str | None:
    from mediaattest import is_compact_jws, to_data_url, unverified

    token = answer.body.decode("ascii", "replace")
    if answer.media_type != JWT:
        return f"The answer is of type {answer.media_type or 'none'}."
    claimed = unverified(to_data_url(token)) if is_compact_jws(token) else None
    if claimed is None:
        return "The answer is no compact JWS of an attestation."
    return None if claimed.digest == digest else "The token is about another digest."


def _difference(answers: Sequence[Exchange]) -> str | None:
    """What tells answers apart that have to be the same."""
    first = answers[0]
    for other in answers:
        if other.status != 404:
            return f"What is not given out was answered {other.status}."
        for name, was, now in (("headers", _kept(first), _kept(other)), ("body", first.body, other.body)):
            if was != now:
                return f"Two answers differ in their {name}."
    return None


def _of(answers: Sequence[Exchange], kept_back: Sequence[str]) -> str:
    also = f", {len(kept_back)} of them of files that were not attested" if kept_back else ""
    return f"{len(answers)} answers are the same{also}."


def _kept(answer: Exchange) -> list[tuple[str, str]]:
    return sorted((name, value) for name, value in answer.headers if name not in _OWN)


@dataclass(slots=True)
class StatusKeeper:
    """The status lists that tokens name, fetched once each. `faults` are what is wrong with them, by address."""

    outside: Outside
    lists: dict[str, StatusList] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)

    async def fetch(self, uris: Sequence[str], issuer: str, actor: Mapping[str, Any]) -> None:
        """Fetch lists of an issuer that are not here yet. Raises nothing."""
        for uri in uris:
            if uri not in self.lists and uri not in self.faults:
                fault = await self._fetch(uri, issuer, actor)
                if fault is not None:
                    self.faults[uri] = fault

    async def _fetch(self, uri: str, issuer: str, actor: Mapping[str, Any]) -> str | None:
        try:
            answer = await self.outside.get(uri, accept=f"application/{STATUS_LIST_TYPE}")
        except RemoteError as error:
            return f"{uri} could not be had: {error}."
        if answer.status != 200:
            return f"{uri} was answered {answer.status} without a signature."
        token, now = answer.body.decode("ascii", "replace"), int(self.outside.clock.now())
        found = read_status_list(token, uri=uri, issuer=issuer, actor=actor, now=now)
        if found is None:
            return f"{uri} holds no status list of the issuer that counts."
        self.lists[uri] = found
        if found.bits != 1 or found.expires_at is None:
            return (
                f"{uri} has {found.bits} bits for each token, and {'an' if found.expires_at else 'no'} end."
            )
        return None

    def status(self, attestation: Attestation) -> Status:
        """What the lists say of a token."""
        reference = attestation.status
        if reference is None:
            return Status.STANDING
        found = self.lists.get(reference.uri)
        if found is None:
            return Status.UNAVAILABLE
        return found.status(reference.index, now=int(self.outside.clock.now()))


def status_lists(seen: Seen, keeper: StatusKeeper) -> None:
    """Judge the lists that the tokens named, and where in them they stand."""
    places: dict[str, list[int]] = defaultdict(list)
    for token in {from_data_url(one.attestation): one for one in seen.tokens}.values():
        reference = token.stated.status if token.stated is not None else None
        if reference is not None:
            places[reference.uri].append(reference.index)
    named = len(keeper.lists) + len(keeper.faults)
    if not named:
        for number in (141, 142):
            seen.say(number, Outcome.INAPPLICABLE, "No token names a status list.")
        return
    faults = [*keeper.faults.values()]
    seen.judge(141, faults[0] if faults else None, f"{len(keeper.lists)} could be read.")
    enough = {uri: indexes for uri, indexes in places.items() if len(indexes) >= FEW}
    if not enough:
        seen.say(142, Outcome.INAPPLICABLE, f"Fewer than {FEW} places of one list are known.")
        return
    wrong = [fault for indexes in enough.values() if (fault := places_in_order(indexes))]
    seen.judge(142, wrong[0] if wrong else None, f"{max(map(len, enough.values()))} places are spread.")
