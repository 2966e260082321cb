"""Documents that are examined with a network: actors, files and status lists are fetched, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.adapters.media.canary import clean_picture
from relay.config.values import media_limits
from relay.domain.errors import RemoteError
from relay.domain.lab.model import Outcome
from relay.services.lab import documents
from relay.services.lab.documents import Asked, Documents, World
from tests.flow.test_status_lists import ListedIssuer

if TYPE_CHECKING:
    import pytest

    from relay.adapters.canonical.pool import CanonicalProcesses
    from relay.protocol.lab.documents import Examination
    from tests.flow.conftest import World as Relays
    from tests.flow.conftest import Worlds


class Lab:
    """A relay's lab, an issuer with a status list, and a server whose posts are examined."""

    def __init__(self, world: Relays, canonicalizer: CanonicalProcesses) -> None:
        self.world, self.issuer = world, ListedIssuer(world.server("issuer.test"))
        relay = world.relay
        self.documents = Documents(
            clock=world.clock,
            canonicalizer=canonicalizer,
            world=World(relay.fetcher, relay.remote, media_limits(relay.office.settings)),
        )

    def note(self, *numbers: int) -> dict[str, Any]:
        server, now = self.world.server("a.test"), self.world.clock.now()
        media = [
            server.picture(clean_picture(f"lab {number}"), f"/{number}.png", **self.issuer.listed(
                clean_picture(f"lab {number}"), now, number)) for number in numbers
        ]  # fmt: skip
        return server.note(*media)

    async def examine(self, document: object, **asked: Any) -> Examination:
        return await self.documents.examine(Asked(document, **asked))


async def lab(worlds: Worlds, canonicalizer: CanonicalProcesses) -> Lab:
    return Lab(await worlds.open(), canonicalizer)


def codes(found: Examination) -> list[str]:
    return [one.explanation.code for one in found.examined]


async def test_everything_is_fetched(worlds: Worlds, canonicalizer: CanonicalProcesses) -> None:
    at = await lab(worlds, canonicalizer)
    note = at.note(1, 2)
    assert codes(await at.examine(note)) == ["status-unavailable"] * 2
    at.issuer.publish(at.world.clock.now(), (2,))
    found = await at.examine(note)
    assert codes(found) == ["valid", "revoked"]
    assert all(one.found.received for one in found.examined)
    unfetched = await at.documents.examine(Asked(note), media=False)
    assert [one.found.received for one in unfetched.examined] == [None, None]


async def test_what_cannot_be_had(worlds: Worlds, canonicalizer: CanonicalProcesses) -> None:
    at = await lab(worlds, canonicalizer)
    note = at.note(1)
    server = at.issuer.actor.server
    server.fault = RemoteError("no answer", code="timeout", temporary=True)
    found = await at.examine(note)
    assert (codes(found), found.temporary) == (["key-unavailable"], True)
    assert found.examined[0].reason.endswith("(no answer)")
    server.fault = None
    del server.documents["/attester"]
    at.world.clock.forward(120)
    assert codes(await at.examine(note)) == ["unknown-key"]
    del at.world.server("a.test").documents["/1.png"]
    actors = {at.issuer.actor.id: {}}
    [bytes_of] = [one for one in (await at.examine(note, actors=actors)).results if one.code == "ATT-009"]
    assert bytes_of.outcome is Outcome.UNTESTED  # the key decided


async def test_no_more_is_fetched_than_a_post_needs(
    worlds: Worlds, canonicalizer: CanonicalProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = await lab(worlds, canonicalizer)
    note = at.note(1, 2)
    monkeypatch.setattr(documents, "MOST_MEDIA", 1)
    fetched = at.world.fediverse.fetched
    await at.examine(note)
    assert [url for url in fetched if url.endswith(".png")] == ["https://a.test/1.png"]
    monkeypatch.setattr(documents, "MOST_ACTORS", 0)
    fetched.clear()
    found = await at.examine(note)
    assert (codes(found), found.examined[0].reason.endswith(documents.TOO_MANY)) == (
        ["key-unavailable"] * 2,
        True,
    )
    assert "https://issuer.test/attester" not in fetched


async def test_an_array_is_examined_without_a_reading(
    worlds: Worlds, canonicalizer: CanonicalProcesses
) -> None:
    at = await lab(worlds, canonicalizer)
    at.issuer.publish(at.world.clock.now())
    found = await at.examine([at.note(1)], now=int(at.world.clock.now()))
    assert codes(found) == ["valid"]
    [survival] = [one for one in found.results if one.code == "ATT-026"]
    assert survival.outcome is Outcome.INAPPLICABLE
