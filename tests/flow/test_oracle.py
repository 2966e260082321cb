"""What a submitter or anybody else can learn from answers: that there is no attestation, and never why."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from relay.adapters.media.canary import canary_pictures, clean_picture, hostile_pictures
from relay.domain.errors import Conflict, NotFound
from relay.domain.hashlist import HashAlgorithm, ListEntry
from relay.domain.media import ScanOutcome, ScanResult
from relay.domain.submission import SHORTEST, SPREAD, STEP
from relay.services import misses
from tests.flow.conftest import BASE
from tests.flow.submitters import Answer, Submitter, digest_of, serving, submitters
from tests.flow.test_screen import KNOWN, LOCAL, PLAIN, screened

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from relay.domain.media import Decoded, Digests, Undecodable
    from tests.flow.conftest import World, Worlds

LIMIT = "media: {max_size: 200 KiB}\n"
EMPTY = b""
LARGE = clean_picture(300) + bytes(200 * 1024)


class BrokenScanner:
    """A hash service that is down."""

    name = "broken"
    version = "1"
    attests = True
    methods = ("sha256",)

    async def scan(
        self, digests: Digests, decoded: Decoded | Undecodable, content: bytes | None = None
    ) -> ScanResult:
        return ScanResult(ScanOutcome.UNAVAILABLE, reason="down", versions={self.name: self.version})


async def withheld(world: World) -> None:
    """Leave the next clean file out, as a share is at random."""
    attestor = world.relay.attestor
    attestor.rules = replace(attestor.rules, withhold=1.0)


async def broken(world: World) -> None:
    """Let every scan fail from now on."""
    world.relay.inspector.scanners = (BrokenScanner(),)


async def nothing(world: World) -> None:
    pass


CASES: dict[str, tuple[bytes, Callable[[World], Awaitable[None]], dict[str, bool]]] = {
    "match": (KNOWN, nothing, {}),
    "test match": (next(iter(canary_pictures().values())), nothing, {}),
    "withheld": (clean_picture(301), withheld, {}),
    "scanner failure": (clean_picture(302), broken, {}),
    "too large": (LARGE, nothing, {}),
    "too large, without a length": (LARGE, nothing, {"chunked": True}),
    "empty": (EMPTY, nothing, {}),
    "undecodable": (b"this is no picture", nothing, {}),
    "hostile": (min(hostile_pictures().values(), key=len), nothing, {}),
}


async def told(server: Submitter, content: bytes, options: dict[str, bool]) -> list[Answer]:
    """Every kind of answer on the way to the last one."""
    first = await server.send(content, **options)
    repeated = await server.send(content, **options)
    assert repeated.location == first.location
    before = await server.ask(first.location)
    await server.world.relay.service.attesting.run_once()
    meanwhile = await server.ask(first.location)
    return [first, repeated, before, meanwhile, await server.final(first)]


async def test_every_way_to_no_attestation_looks_alike(worlds: Worlds) -> None:
    world = await serving(worlds, "", LIMIT)
    rules, scanners = world.relay.attestor.rules, world.relay.inspector.scanners
    shapes = {}
    async with submitters(world, "a.test") as [server]:
        for name, (content, prepare, options) in CASES.items():
            world.relay.attestor.rules, world.relay.inspector.scanners = rules, scanners
            await prepare(world)
            shapes[name] = [answer.shape for answer in await told(server, content, options)]
            world.clock.forward(3600)
        unknown = await server.ask(f"/media-attestations/jobs/{'f' * 32}")
    statuses = {name: [status for status, _, _ in shape] for name, shape in shapes.items()}
    assert statuses == {name: [202, 202, 202, 202, 404] for name in CASES}
    assert [name for name, shape in shapes.items() if shape != shapes["match"]] == []
    assert unknown.shape == shapes["match"][-1]


async def test_a_url_that_cannot_be_had_looks_like_a_match(worlds: Worlds) -> None:
    world = await serving(worlds, "", LIMIT)
    media = world.server("a.test")
    urls = {
        "match": media.picture(KNOWN)["url"],
        "gone": media.url("/gone.png"),
        "too large": media.picture(LARGE)["url"],
        "empty": media.serve("/empty.png", b"", "image/png"),
    }
    shapes = {}
    async with submitters(world, "a.test") as [server]:
        for name, url in urls.items():
            first = await server.send_url(url)
            shapes[name] = (first.shape, (await server.final(first)).shape)
    assert set(shapes.values()) == {shapes["match"]}


class Chance:
    """Jitter that is drawn one after the other from the whole range."""

    def __init__(self) -> None:
        self.drawn = 0

    def __call__(self) -> float:
        self.drawn += 1
        return self.drawn * 0.618 % 1.0


async def waits(world: World, server: Submitter, content: bytes, number: int) -> list[float]:
    """For how long "no attestation" is not said, several times, in seconds."""
    found = []
    for _ in range(number):
        start = world.clock.now()
        first = await server.send(content)
        await world.relay.service.attesting.run_once()
        while (await server.ask(first.location)).status == 202:
            world.clock.forward(0.5)
            await world.relay.service.attesting.run_once()
        found.append(world.clock.now() - start)
        world.clock.forward(60)
    return found


async def test_the_time_to_no_attestation_does_not_depend_on_the_reason(worlds: Worlds) -> None:
    world = await serving(worlds, "", LIMIT)
    found = {}
    async with submitters(world, "a.test") as [server]:
        for name, content in (("match", KNOWN), ("undecodable", b"no picture"), ("too large", LARGE)):
            world.clock.chance = Chance()
            found[name] = await waits(world, server, content, 4)
    assert found["match"] == pytest.approx(found["undecodable"], abs=0.6)
    assert found["match"] == pytest.approx(found["too large"], abs=0.6)
    assert max(found["match"]) - min(found["match"]) > SPREAD / 3
    assert all(SHORTEST <= one <= SHORTEST + SPREAD + 1 for one in found["match"])


async def test_a_scan_that_takes_long_is_told_at_a_step_and_not_when_it_ends(worlds: Worlds) -> None:
    world = await serving(worlds)
    async with submitters(world, "a.test") as [server]:
        first = await server.send(KNOWN)
        world.clock.forward(SHORTEST + SPREAD / 2 + STEP / 2)  # the wait is over, the scan is not
        assert (await server.ask(first.location)).status == 202
        await world.relay.service.attesting.run_once()
        assert (await server.ask(first.location)).status == 202
        world.clock.forward(STEP / 2 + 0.1)
        assert (await server.ask(first.location)).status == 404


async def test_a_look_up_that_finds_nothing_waits_the_same_for_every_reason(worlds: Worlds) -> None:
    world = await screened(worlds, PLAIN + LOCAL + "attestation: {withhold: 100%, lookup: public}\n")
    server, clean = world.server("a.test"), clean_picture(310)
    for content in (clean, KNOWN):
        await world.publish(server, server.picture(content))
    waited = {}
    async with submitters(world, "a.test") as [asking]:
        for name, content in (("withheld", clean), ("match", KNOWN), ("unknown", b"never seen")):
            world.clock.chance, world.clock.slept = Chance(), []
            for _ in range(50):
                path = f"/media-attestations/sha256/{digest_of(content)}"
                async with asking.session.get(path, headers={"Host": "relay.test"}) as answer:
                    assert answer.status == 404
            waited[name] = world.clock.slept
    assert waited["match"] == waited["withheld"] == waited["unknown"]
    assert len(waited["match"]) == 50
    spread = Counter(int((one - misses.SHORTEST) / misses.SPREAD * 5) for one in waited["match"])
    assert set(spread) == {0, 1, 2, 3, 4}  # from all over the range


async def test_a_match_is_on_record_for_the_operator_and_asked_about_once(worlds: Worlds) -> None:
    world = await serving(worlds)
    office = world.relay.office
    async with submitters(world, "a.test") as [server]:
        for _ in range(2):
            assert (await server.final(await server.send(KNOWN))).status == 404
        [finding] = await office.findings.all()
        assert (finding.server, finding.digest) == ("a.test", digest_of(KNOWN))
        assert (finding.outcome, finding.reason, finding.times) == (ScanOutcome.MATCH, "known-match", 2)
        assert finding.actor == world.server("a.test").actor("/users/alice").id
        [match] = finding.matches
        assert (match.scanner, match.category) == ("local", "csam")
        closed = await office.findings.close(finding.id, who="test", note="told their admin")
        assert (closed.closed_by, closed.note) == ("test", "told their admin")
        assert (await server.final(await server.send(KNOWN))).status == 404
    assert await office.findings.all() == []
    [again] = await office.findings.all(is_open=False)
    assert again.times == 3
    with pytest.raises(Conflict):
        await office.findings.close(finding.id, who="test", note=None)
    with pytest.raises(NotFound):
        await office.findings.close(99, who="test", note=None)
    assert await office.holds.all() == []


async def test_what_comes_onto_a_list_loses_its_attestation(worlds: Worlds) -> None:
    """Attested first, listed later: the file is refused from then on, and the look-up answers 410."""
    world = await serving(worlds)
    content = clean_picture(311)
    await world.relay.watch.run_once()
    async with submitters(world, "a.test") as [server]:
        assert (await server.final(await server.send(content))).status == 200
        entry = ListEntry(HashAlgorithm.SHA256, digest_of(content), "csam")
        await world.relay.office.lists.add("local", "test", [entry], who="test")
        assert await world.relay.watch.run_once()
        assert (await server.final(await server.send(content))).status == 404
        path = f"/media-attestations/sha256/{digest_of(content)}"
        async with server.session.get(path, headers={"Host": "relay.test"}) as answer:
            assert answer.status == 410


async def test_withheld_stays_withheld_however_often_it_is_submitted(worlds: Worlds) -> None:
    world = await screened(worlds, BASE.replace("withhold: 0%", "withhold: 100%") + LOCAL)
    async with submitters(world, "a.test") as [server]:
        for _ in range(2):
            assert (await server.final(await server.send(clean_picture(312)))).status == 404
            attestor = world.relay.attestor
            attestor.rules = replace(attestor.rules, withhold=0.0)
