"""Every hash service against its fake: what counts as an answer, what never does (research by number: safety.md B)."""

from __future__ import annotations

import hashlib
import shlex
import sys
from base64 import b64encode
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from aiohttp import web
from PIL import Image

from relay.adapters.media.canary import encoded
from relay.adapters.media.stills import StillMaker
from relay.adapters.scanners.services.arachnid import Arachnid
from relay.adapters.scanners.services.classifier import Classifier
from relay.adapters.scanners.services.connection import ServiceConnection, Way
from relay.adapters.scanners.services.edgehash import Hasher
from relay.adapters.scanners.services.hive import Hive
from relay.adapters.scanners.services.hma import Hma
from relay.adapters.scanners.services.photodna import PhotoDna
from relay.cli.demo.services.hma import NOBODY
from relay.domain.breaker import FAILURES, PAUSE
from relay.domain.media import Decoded, FrameHash, MatchKind, ScanOutcome, ScanResult, Undecodable
from relay.domain.screening import digests_of
from relay.services.asking import LOOK_AGAIN, ServiceScanner
from tests.fakes import FakeClock
from tests.services import (
    HTML,
    FakeArachnid,
    FakeClassifier,
    FakeHive,
    FakeHma,
    FakePhotoDna,
    FakeService,
    always,
    only,
    reply,
    running,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from relay.ports.hashservices import HashService

CONTENT = b"a picture that is harmless"
NAME = hashlib.sha256(CONTENT).hexdigest()
DIGESTS = digests_of(CONTENT)
TURNED = tuple(bytes([number]) * 32 for number in range(1, 9))
FRAME = FrameHash(TURNED[0], 100, TURNED, b"\0" * 8)
PICTURE = Decoded("image/png", 640, 480, (FRAME,))
CLEAN, MATCH, TEST = ScanOutcome.NO_KNOWN_MATCH, ScanOutcome.MATCH, ScanOutcome.VENDOR_TEST_MATCH
UNAVAILABLE, UNSCANNABLE = ScanOutcome.UNAVAILABLE, ScanOutcome.UNSCANNABLE
SECRET = "Basic " + b64encode(b"me:secret").decode()


async def no_jpeg(_content: bytes) -> bytes:
    raise AssertionError


class Bench:
    """A fake service, and a scanner that asks it."""

    def __init__(self, scanner: ServiceScanner, clock: FakeClock, counts: list[tuple[str, str]]) -> None:
        self.scanner, self.clock, self.counts = scanner, clock, counts

    async def scan(self, content: bytes = CONTENT, decoded: Decoded | Undecodable = PICTURE) -> ScanResult:
        return await self.scanner.scan(digests_of(content), decoded, content)


@asynccontextmanager
async def asking(
    fake: FakeService,
    make: Callable[[ServiceConnection], HashService],
    *,
    per_second: int | None = None,
    timeout: float = 5.0,
    **headers: str,
) -> AsyncIterator[Bench]:
    clock, counts = FakeClock(), list[tuple[str, str]]()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(running(fake))
        way = Way(clock=clock, user_agent="Assay/test")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = await stack.enter_async_context(
            ServiceConnection("it", url, way, timeout=timeout, headers=named)
        )
        scanner = ServiceScanner(
            "it",
            make(connection),
            clock=clock,
            attests=False,
            per_second=per_second,
            lasts=86_400.0,
            count=lambda name, outcome: counts.append((name, outcome)),
        )
        yield Bench(scanner, clock, counts)


def hma(fake: FakeHma, **more: Any) -> Any:
    keys = {"category": "known", "categories": {}, "banks": (), **more}
    return asking(fake, lambda connection: Hma("it", connection, **keys))


def arachnid(fake: FakeArachnid, *, sends_media: bool = False, **more: Any) -> Any:
    make = lambda connection: Arachnid("it", connection, sends_media=sends_media)  # noqa: E731
    return asking(fake, make, Authorization=SECRET, **more)


def photodna(fake: FakePhotoDna, hasher: Hasher | None = None, as_jpeg: Any = no_jpeg, **more: Any) -> Any:
    make = lambda connection: PhotoDna("it", connection, hasher=hasher, as_jpeg=as_jpeg)  # noqa: E731
    return asking(fake, make, Ocp_Apim_Subscription_Key="k", **more)


def hive(fake: FakeHive, as_jpeg: Any = no_jpeg) -> Any:
    return asking(fake, lambda connection: Hive("it", connection, as_jpeg=as_jpeg), Authorization="Token k")


def near(value: bytes, bits: int) -> str:
    return (int.from_bytes(value, "big") ^ ((1 << bits) - 1)).to_bytes(32, "big").hex()


# ------------------------------------------------------------------------------------------- the frame
BROKEN = {
    "html-502": (always(502, HTML), "status"),
    "html-200": (always(200, HTML), "bad-answer"),
    "empty": (always(200, ""), "bad-answer"),
    "list": (reply([]), "bad-answer"),
    "error-in-200": (reply({"detail": "quota exceeded"}), "bad-answer"),
    "redirect": (always(302, "", Location="/elsewhere"), "status"),
    "401": (always(401), "status"),
    "404": (always(404), "status"),
    "too-large": (always(200, "x" * (2 << 20)), "bad-answer"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_not_documented_is_unavailable_and_never_clean(name: str) -> None:
    fault, code = BROKEN[name]
    fakes: list[tuple[FakeService, Callable[[Any], Any]]] = [
        (FakeHma(fault=fault), hma),
        (FakeArachnid(fault=fault), arachnid),
        (FakePhotoDna(fault=fault), photodna),
        (FakeHive(fault=fault), hive),
    ]
    for fake, service in fakes:
        async with service(fake) as bench:
            found = await bench.scan()
        assert (found.outcome, found.reason) == (UNAVAILABLE, code), type(fake)
        assert found.versions == {"it": bench.scanner.version}
        assert bench.scanner.state.failing
        assert bench.counts == [("it", "unavailable")]
        assert "/elsewhere" not in fake.paths


async def test_a_busy_service_is_asked_again_when_it_said() -> None:
    fake = FakePhotoDna()
    answers = iter([web.Response(status=429, headers={"Retry-After": "7"}), None])
    fake.fault = lambda _request: next(answers)
    async with photodna(fake) as bench:
        assert (await bench.scan()).outcome is CLEAN
    assert bench.clock.slept[0] >= 7.0
    assert len(fake.asked) == 2


async def test_a_service_that_wants_a_long_rest_gets_it() -> None:
    fake = FakePhotoDna(fault=always(429, Retry_After="3600"))
    async with photodna(fake) as bench:
        assert (await bench.scan()).reason == "status"
        fake.fault = None
        bench.clock.forward(600)
        assert (await bench.scan()).reason == "paused"
        assert len(fake.asked) == 1
        bench.clock.forward(3001)
        assert (await bench.scan()).outcome is CLEAN


async def test_the_breaker_opens_and_lets_one_question_through_later() -> None:
    fake = FakePhotoDna(fault=always(503))
    async with photodna(fake) as bench:
        for number in range(FAILURES):
            await bench.scan(b"%d" % number)
        assert bench.scanner.state.paused
        asked = len(fake.asked)
        assert asked == FAILURES
        assert (await bench.scan(b"more")).reason == "paused"
        assert len(fake.asked) == asked
        fake.fault = None
        bench.clock.forward(PAUSE + 1)
        assert (await bench.scan(b"more")).outcome is CLEAN
        assert not bench.scanner.state.paused
        assert bench.scanner.state.error == "status-503"


async def test_a_strangers_file_does_not_make_a_service_look_broken() -> None:
    fake = FakePhotoDna(fault=always(400))
    async with photodna(fake) as bench:
        for number in range(FAILURES + 1):
            assert (await bench.scan(b"%d" % number)).outcome is UNAVAILABLE
        fake.fault = None
        assert (await bench.scan()).outcome is CLEAN


async def test_a_question_is_asked_once_and_again_when_the_list_grew() -> None:
    fake = FakeArachnid()
    async with arachnid(fake) as bench:
        first = await bench.scan()
        assert (await bench.scan()) == first
        assert fake.paths == ["/v1/version", "/v1/pdq/"]
        before = bench.scanner.version
        fake.updated = "2026-11-23T00:00:00Z"
        fake.hashes[TURNED[3]] = ("csam", "near")
        bench.clock.forward(LOOK_AGAIN + 1)
        await bench.scanner.refresh()
        assert bench.scanner.version != before
        assert (await bench.scan()).outcome is MATCH


async def test_without_a_list_version_answers_end_with_the_day() -> None:
    fake = FakePhotoDna()
    async with photodna(fake) as bench:
        before = bench.scanner.version
        await bench.scan()
        bench.clock.forward(86_400)
        assert bench.scanner.version != before
        await bench.scan()
    assert len(fake.asked) == 2


async def test_never_faster_than_the_service_allows() -> None:
    fake = FakePhotoDna()
    async with photodna(fake, per_second=5) as bench:
        for number in range(11):
            assert (await bench.scan(b"%d" % number)).outcome is CLEAN
        assert sum(bench.clock.slept) == pytest.approx(6 / 5)


async def test_what_could_not_be_decoded_is_not_asked() -> None:
    fake = FakePhotoDna()
    async with photodna(fake) as bench:
        found = await bench.scan(decoded=Undecodable.CORRUPT)
    assert (found.outcome, found.reason) == (UNSCANNABLE, "corrupt")
    assert not fake.asked


@pytest.mark.parametrize("unseen", [Undecodable.TRUNCATED, Undecodable.SECOND_FILE])
async def test_what_was_seen_in_part_can_match_and_is_never_clean(unseen: Undecodable) -> None:
    part = replace(PICTURE, unseen=unseen)
    fakes: list[tuple[FakeService, Callable[[Any], Any]]] = [
        (FakeHma(), hma),
        (FakeArachnid(), arachnid),
        (FakePhotoDna(), photodna),
        (FakeHive(), hive),
    ]
    for fake, service in fakes:
        async with service(fake) as bench:
            found = await bench.scan(decoded=part)
        assert (found.outcome, found.reason) == (UNSCANNABLE, unseen.value), type(fake)
    async with hma(FakeHma(banks={"ONE": [TURNED[0].hex()]})) as bench:
        assert (await bench.scan(decoded=part)).outcome is MATCH


async def test_a_service_that_is_not_there() -> None:
    clock = FakeClock()
    async with running(FakeHma()) as url:
        pass
    async with ServiceConnection("it", url, Way(clock=clock, user_agent="t"), timeout=5) as connection:
        service = Hma("it", connection, category="known", categories={}, banks=())
        scanner = ServiceScanner("it", service, clock=clock, attests=False, per_second=None, lasts=60.0)
        found = await scanner.scan(DIGESTS, PICTURE, CONTENT)
    assert (found.outcome, found.reason) == (UNAVAILABLE, "unreachable")


async def test_the_wall_stands_before_a_public_name_that_leads_inside() -> None:
    fake, clock = FakeHma(), FakeClock()
    async with running(fake) as url:
        inside = url.replace("127.0.0.1", "localtest.example")

        class Liar:
            async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:
                return [
                    {"hostname": host, "host": "127.0.0.1", "port": port, "family": 2, "proto": 0, "flags": 0}
                ]

            async def close(self) -> None: ...

        way = Way(clock=clock, user_agent="t", resolver=Liar())  # type: ignore[arg-type]
        async with ServiceConnection("it", inside, way, timeout=5) as connection:
            service = Hma("it", connection, category="known", categories={}, banks=())
            scanner = ServiceScanner("it", service, clock=clock, attests=False, per_second=None, lasts=60.0)
            found = await scanner.scan(DIGESTS, PICTURE, CONTENT)
    assert (found.outcome, found.reason) == (UNAVAILABLE, "blocked-address")
    assert not fake.asked


async def test_b_22_no_key_and_no_hash_in_errors_and_states() -> None:
    for fault in (always(500, HTML), always(200, TURNED[0].hex()), reply({"scanned_hashes": {"x": 1}})):
        fakes: list[tuple[FakeService, Callable[[Any], Any]]] = [
            (FakeHma(fault=fault), hma),
            (FakeArachnid(fault=fault), arachnid),
            (FakePhotoDna(fault=fault), photodna),
            (FakeHive(fault=fault), hive),
        ]
        for fake, service in fakes:
            async with service(fake) as bench:
                found = await bench.scan()
                said = repr((found, bench.scanner.state, bench.counts))
            assert found.outcome is UNAVAILABLE
            assert not any(secret in said for secret in ("secret", SECRET, TURNED[0].hex(), NAME)), type(fake)


# ------------------------------------------------------------------------------------------- HMA
@pytest.mark.parametrize(
    ("bits", "kind"), [(0, MatchKind.KNOWN), (10, MatchKind.KNOWN), (31, MatchKind.NEAR)]
)
async def test_b_13_hma_distances_are_strings(bits: int, kind: MatchKind) -> None:
    fake = FakeHma(banks={"ONE": [near(TURNED[5], bits)]})
    async with hma(fake) as bench:
        found = await bench.scan()
    assert found.outcome is MATCH
    assert [(one.kind, one.distance, one.category) for one in found.matches] == [(kind, bits, "known")]
    assert not any(fake.sent), "only hashes leave"


async def test_hma_asks_for_all_orientations_before_it_says_clean() -> None:
    fake = FakeHma(banks={"ONE": [near(TURNED[0], 32)]})
    async with hma(fake) as bench:
        assert (await bench.scan()).outcome is CLEAN
    signals = [request.query["signal"] for request in fake.asked if request.path == "/m/lookup"]
    assert signals == [one.hex() for one in TURNED]


async def test_hma_banks_have_categories() -> None:
    fake = FakeHma(banks={"ONE": [TURNED[0].hex()], "TWO": [TURNED[0].hex()]})
    async with hma(fake, categories={"ONE": "test", "TWO": "ncii"}) as bench:
        found = await bench.scan()
    assert {one.kind for one in found.matches} == {MatchKind.TEST, MatchKind.NCII}
    async with hma(fake, categories={"ONE": "test"}, banks=("ONE",)) as bench:
        assert (await bench.scan()).outcome is TEST


@pytest.mark.parametrize("distance", ["near", "-1", "4.5", ""])
async def test_b_13_hma_distance_that_is_no_number(distance: str) -> None:
    def fault(request: web.Request) -> web.Response | None:
        hit = {"bank_content_id": 1, "distance": distance}
        return web.json_response({"ONE": [hit]}) if request.path == "/m/lookup" else None

    async with hma(FakeHma(fault=fault)) as bench:
        assert (await bench.scan()).outcome is UNAVAILABLE


@pytest.mark.parametrize(
    ("ratios", "asked", "code"),
    [
        ({"ONE": 0.5}, (), "sampled-bank"),
        ({"ONE": 0.5}, ("ONE",), "sampled-bank"),
        ({"ONE": 0.0}, ("ONE",), "disabled-bank"),
        ({}, ("ONE", "NOWHERE"), "unknown-bank"),
    ],
)
async def test_b_13_hma_bank_that_does_not_always_answer_is_not_clean(
    ratios: dict[str, float], asked: tuple[str, ...], code: str
) -> None:
    """A real HMA 1.1.7 answers `{}` with 200 for each of them."""
    fake = FakeHma(banks={"ONE": [TURNED[0].hex()], "TWO": [NOBODY]}, ratios=ratios)
    async with hma(fake, banks=asked) as bench:
        found = await bench.scan()
    assert (found.outcome, found.reason) == (UNAVAILABLE, code)
    assert "/m/lookup" not in fake.paths


async def test_hma_bank_that_nobody_asks_for_may_be_off_or_answer_by_chance() -> None:
    fake = FakeHma(banks={"ONE": [NOBODY], "TWO": [NOBODY]}, ratios={"ONE": 0.0})
    async with hma(fake) as bench:
        assert (await bench.scan()).outcome is CLEAN
    fake.ratios["ONE"] = 0.5
    async with hma(fake, banks=("TWO",)) as bench:
        assert (await bench.scan()).outcome is CLEAN


@pytest.mark.parametrize("path", ["/c/banks", "/status"])
@pytest.mark.parametrize("status", [401, 403, 404])
async def test_hma_may_keep_all_but_its_matcher_to_itself(path: str, status: int) -> None:
    async with hma(FakeHma(fault=only(path, always(status)))) as bench:
        assert (await bench.scan()).outcome is CLEAN


@pytest.mark.parametrize("path", ["/c/banks", "/status", "/m/index/status", "/m/lookup"])
async def test_hma_that_fails_in_part_is_not_clean(path: str) -> None:
    async with hma(FakeHma(fault=only(path, always(500, HTML)))) as bench:
        assert (await bench.scan()).reason == "status"


async def test_b_13_hma_without_an_index_that_it_follows_is_not_clean() -> None:
    for fake, reason in (
        (FakeHma(present=False), "no-index"),
        (FakeHma(banks={"ONE": []}), "no-index"),
        (FakeHma(state="INDEX-STALE"), "status"),
        (FakeHma(state="INDEX-NOT-LOADED"), "status"),
    ):
        async with hma(fake) as bench:
            assert (await bench.scan()).reason == reason
        assert "/m/lookup" not in fake.paths


async def test_b_13_hma_is_asked_again_once_it_surely_follows_a_new_index() -> None:
    """The index status is ahead of what is looked up by up to 65 seconds."""
    fake = FakeHma()
    async with hma(fake) as bench:
        assert (await bench.scan()).outcome is CLEAN
        before, fake.built_to = bench.scanner.version, 2
        bench.clock.forward(LOOK_AGAIN + 1)
        assert (await bench.scan()).outcome is CLEAN
        assert bench.scanner.version == before
        fake.banks["ONE"] = [TURNED[0].hex()]  # built before, looked up from now on
        bench.clock.forward(LOOK_AGAIN + 1)
        assert (await bench.scan()).outcome is MATCH
        assert bench.scanner.version != before


async def test_b_13_hma_low_quality_is_not_asked() -> None:
    fake = FakeHma()
    poor = replace(PICTURE, frames=(replace(FRAME, quality=49),))
    async with hma(fake) as bench:
        assert (await bench.scan(decoded=poor)).outcome is UNSCANNABLE
    assert "/m/lookup" not in fake.paths


# ------------------------------------------------------------------------------------------- Arachnid Shield
CLASSES = [
    ("csam", "exact", MATCH, MatchKind.KNOWN),
    ("csam", "near", MATCH, MatchKind.NEAR),
    ("harmful-abusive-material", "near", MATCH, MatchKind.NEAR),
    ("test", "exact", TEST, MatchKind.TEST),
]


@pytest.mark.parametrize(("name", "match_type", "outcome", "kind"), CLASSES)
async def test_b_7_arachnid_classes(
    name: str, match_type: str, outcome: ScanOutcome, kind: MatchKind
) -> None:
    fake = FakeArachnid(hashes={TURNED[7]: (name, match_type)}, files={NAME: (name, match_type)})
    for sends_media in (False, True):
        async with arachnid(fake, sends_media=sends_media) as bench:
            found = await bench.scan()
        assert found.outcome is outcome
        assert [(one.kind, one.category) for one in found.matches] == [(kind, name)]


async def test_b_7_arachnid_gets_base64_and_never_the_file() -> None:
    fake = FakeArachnid()
    async with arachnid(fake) as bench:
        assert (await bench.scan()).outcome is CLEAN
    assert CONTENT not in b"".join(fake.sent)
    assert b64encode(TURNED[0]) in fake.sent[1]


@pytest.mark.parametrize(
    "entry", [None, {}, {"classification": "harmful-to-children", "match_type": "exact"}]
)
async def test_b_7_arachnid_null_missing_and_unknown_are_not_clean(entry: object) -> None:
    def fault(request: web.Request) -> web.Response | None:
        if request.path != "/v1/pdq/":
            return None
        fine = {"classification": "no-known-match", "match_type": None}
        scanned = {b64encode(one).decode(): fine for one in TURNED[:-1]}
        if entry != {}:
            scanned[b64encode(TURNED[-1]).decode()] = entry  # type: ignore[assignment]
        return web.json_response({"scanned_hashes": scanned})

    async with arachnid(FakeArachnid(fault=fault)) as bench:
        assert (await bench.scan()).outcome is UNAVAILABLE


async def test_arachnid_match_beside_what_is_unknown_is_a_match() -> None:
    fake = FakeArachnid(hashes={TURNED[0]: ("brand-new", "exact"), TURNED[1]: ("csam", "exact")})
    async with arachnid(fake) as bench:
        assert (await bench.scan()).outcome is MATCH


@pytest.mark.parametrize("details", [None, {}, [], [{"a": 1}], "x"])
async def test_b_7_arachnid_details_are_dropped_unread(details: object) -> None:
    def fault(request: web.Request) -> web.Response | None:
        row = {"classification": "csam", "match_type": "near", "near_match_details": details}
        scanned = {b64encode(one).decode(): row for one in TURNED}
        return web.json_response({"scanned_hashes": scanned}) if request.path == "/v1/pdq/" else None

    async with arachnid(FakeArachnid(fault=fault)) as bench:
        assert (await bench.scan()).outcome is MATCH


async def test_b_7_arachnid_is_asked_for_each_hash_once() -> None:
    """The answer is keyed by what was sent: the turns of a symmetric picture are the same hash."""
    same = Decoded("image/png", 640, 480, (replace(FRAME, dihedral=TURNED[:2] * 4), FRAME))
    fake = FakeArachnid()
    async with arachnid(fake) as bench:
        assert (await bench.scan(decoded=same)).outcome is CLEAN
    sent = orjson.loads(fake.sent[-1])["hashes"]
    assert sent == [b64encode(one).decode() for one in TURNED]


async def test_b_7_arachnid_near_means_another_hash_at_each_address() -> None:
    fake = FakeArachnid(hashes={TURNED[0]: ("csam", "near")}, files={NAME: ("csam", "near")})
    for sends_media, algorithm, methods in (
        (False, "pdq", ("pdq",)),
        (True, "photodna", ("sha1", "photodna")),
    ):
        async with arachnid(fake, sends_media=sends_media) as bench:
            found = await bench.scan()
            assert [one.algorithm for one in found.matches] == [algorithm]
            assert bench.scanner.methods == methods


async def test_b_7_arachnid_never_submits() -> None:
    fake = FakeArachnid(files={NAME: ("csam", "exact")}, has_version=False)
    async with arachnid(fake, sends_media=True) as bench:
        await bench.scan()
    assert fake.paths == ["/v1/version", "/v1/media/"]


async def test_arachnid_wrong_password() -> None:
    fake = FakeArachnid()
    async with asking(fake, lambda connection: Arachnid("it", connection, sends_media=False)) as bench:
        assert (await bench.scan()).outcome is UNAVAILABLE
        assert bench.scanner.state.error == "status-401"


# ------------------------------------------------------------------------------------------- PhotoDNA
async def test_photodna_by_picture() -> None:
    fake = FakePhotoDna(known={NAME: ["Csam"]})
    async with photodna(fake) as bench:
        assert (await bench.scan()).outcome is MATCH
        assert (await bench.scan(b"another")).outcome is CLEAN
    assert fake.asked[0].query["enhance"] == "false"  # B 2


async def test_b_2_and_5_photodna_gets_the_bytes_never_an_address_and_no_enhancement() -> None:
    fake = FakePhotoDna()
    async with photodna(fake) as bench:
        await bench.scan()
    async with photodna(fake, hasher(b"\1" * 924)) as bench:
        await bench.scan()
    assert fake.paths == ["/Match", "/MatchHash"]
    assert fake.sent[0] == CONTENT
    assert b"http" not in fake.sent[1]
    assert b"URL" not in fake.sent[1]
    assert [request.query["enhance"] for request in fake.asked] == ["false", "false"]


async def test_photodna_null_details_and_vendor_test() -> None:
    async with photodna(FakePhotoDna(known={NAME: None})) as bench:
        assert (await bench.scan()).outcome is MATCH
    async with photodna(FakePhotoDna(known={NAME: ["Test"]})) as bench:
        assert (await bench.scan()).outcome is TEST
    async with photodna(FakePhotoDna(known={NAME: ["Test", "Csam"]})) as bench:
        assert (await bench.scan()).outcome is MATCH


@pytest.mark.parametrize(
    ("code", "outcome"), [(3206, UNSCANNABLE), (3208, UNSCANNABLE), (3002, UNAVAILABLE), (3004, UNAVAILABLE)]
)
async def test_b_1_photodna_200_with_another_code_is_no_result(code: int, outcome: ScanOutcome) -> None:
    async with photodna(FakePhotoDna(codes={NAME: code})) as bench:
        assert (await bench.scan()).outcome is outcome


def hasher(*hashes: bytes, status: int = 0, timeout: float = 30.0) -> Hasher:
    lines = "\n".join(b64encode(one).decode() for one in hashes)
    program = f"import sys; sys.stdin.buffer.read(); print({lines!r}); sys.exit({status})"
    return Hasher((sys.executable, "-I", "-c", program), timeout=timeout)


async def test_b_3_photodna_match_on_either_hash_counts() -> None:
    whole, inner = b"\1" * 924, b"\2" * 144
    fake = FakePhotoDna(known={b64encode(inner).decode(): ["Csam"]}, codes={b64encode(whole).decode(): 3004})
    async with photodna(fake, hasher(whole, inner)) as bench:
        assert (await bench.scan()).outcome is MATCH
    assert CONTENT not in fake.sent[0]
    assert b'"PreHashV2"' in fake.sent[0]
    fake = FakePhotoDna(codes={b64encode(whole).decode(): 3004})
    async with photodna(fake, hasher(whole, inner)) as bench:
        assert (await bench.scan()).outcome is UNAVAILABLE


async def test_photodna_hash_left_out_of_the_answer() -> None:
    fake = FakePhotoDna(fault=reply({"MatchResults": []}))
    async with photodna(fake, hasher(b"\1" * 924)) as bench:
        assert (await bench.scan()).reason == "unanswered"


@pytest.mark.parametrize(
    ("broken", "outcome"),
    [
        (hasher(status=3), UNSCANNABLE),
        (hasher(status=1), UNAVAILABLE),
        (hasher(), UNAVAILABLE),
        (hasher(b"short"), UNAVAILABLE),
        (Hasher(("/nowhere/hasher",), timeout=5), UNAVAILABLE),
        (Hasher((sys.executable, "-I", "-c", "input()"), timeout=5), UNAVAILABLE),
    ],
)
async def test_hasher_that_fails(broken: Hasher, outcome: ScanOutcome) -> None:
    fake = FakePhotoDna()
    async with photodna(fake, broken) as bench:
        assert (await bench.scan()).outcome is outcome
    assert not fake.asked


async def test_hasher_does_not_see_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_SECRET", "x")
    program = "import os, sys; sys.exit(3 if 'ASSAY_SECRET' not in os.environ else 1)"
    async with photodna(FakePhotoDna(), Hasher((sys.executable, "-c", program), timeout=30)) as bench:
        assert (await bench.scan()).outcome is UNSCANNABLE, shlex.quote(program)


async def test_b_4_photodna_gets_a_jpeg_of_what_it_does_not_take() -> None:
    picture = Image.radial_gradient("L").resize((90, 120)).convert("RGB")
    stills = StillMaker(memory=1 << 30, timeout=30, max_pixels=10_000_000)
    fake = FakePhotoDna()
    async with photodna(fake, None, stills.jpeg) as bench:
        for kind in ("WEBP", "AVIF", "PNG"):
            content = encoded(picture, kind)
            found = await bench.scan(content, Decoded(f"image/{kind.lower()}", 90, 120, (FRAME,)))
            assert found.outcome is CLEAN
            assert fake.asked[-1].content_type == "image/jpeg"
            assert fake.sent[-1].startswith(b"\xff\xd8\xff")
        asked = len(fake.asked)
        for content in (b"no picture at all", encoded(picture.resize((40, 40)), "PNG")):
            found = await bench.scan(content, Decoded("image/webp", 40, 40, (FRAME,)))
            assert (found.outcome, found.reason) == (UNSCANNABLE, "conversion-failed")
    assert len(fake.asked) == asked


async def test_photodna_takes_no_videos() -> None:
    async with photodna(FakePhotoDna()) as bench:
        found = await bench.scan(decoded=replace(PICTURE, media_type="video/mp4"))
    assert (found.outcome, found.reason) == (UNSCANNABLE, "unsupported")


# ------------------------------------------------------------------------------------------- Safer by Hive
@pytest.mark.parametrize(
    ("types", "group", "outcome", "category"),
    [
        (["CSAM"], "ncmec", MATCH, "csam"),
        (["SE"], "thorn", MATCH, "sexual-exploitation"),
        (["NEW"], "thorn", MATCH, "other"),
        (["CSAM"], "test", TEST, "test"),
    ],
)
async def test_b_8_safer_match_types(
    types: list[str], group: str, outcome: ScanOutcome, category: str
) -> None:
    async with hive(FakeHive(known={NAME: (types, group)})) as bench:
        found = await bench.scan()
    assert (found.outcome, found.matches[0].category) == (outcome, category)


async def test_safer_classifier_is_only_a_classifier() -> None:
    async with hive(FakeHive(flagged={NAME})) as bench:
        found = await bench.scan()
        assert [one.kind for one in found.matches] == [MatchKind.CLASSIFIER]
        assert (await bench.scan(b"another")).outcome is CLEAN


async def test_b_8_safer_what_would_be_skipped_is_not_clean() -> None:
    fake = FakeHive()
    poor = replace(PICTURE, frames=(replace(FRAME, quality=10),))
    async with hive(fake) as bench:
        assert (await bench.scan(decoded=poor)).outcome is UNSCANNABLE
        assert (await bench.scan(b"tiny", replace(PICTURE, width=49))).outcome is UNSCANNABLE
    assert not fake.asked


def task(output: object, code: object = 200) -> object:
    return {"status": [{"status": {"code": code}, "response": {"output": output}}]}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        task({}),
        task({"file": {"reasons": ["matched"]}}),
        task({"file": {"reasons": ["new-reason"]}}),
        task({"file": {"reasons": []}}, 500),
        task({"file": {"reasons": []}, "hashes": [{"sources": [{"hashSet": "ncmec"}]}]}),
        {"status": []},
    ],
)
async def test_b_8_safer_incomplete_answers(answer: object) -> None:
    async with hive(FakeHive(fault=reply(answer))) as bench:
        assert (await bench.scan()).outcome is UNAVAILABLE


# ------------------------------------------------------------------------------------------- classifiers
@pytest.mark.parametrize(("score", "outcome"), [(0.79, CLEAN), (0.8, MATCH), (1.0, MATCH)])
async def test_classifier(score: float, outcome: ScanOutcome) -> None:
    make = lambda connection: Classifier("it", connection, threshold=0.8, category="suspected")  # noqa: E731
    async with asking(FakeClassifier(scores={NAME: score}), make) as bench:
        found = await bench.scan()
        assert not bench.scanner.methods, "nothing is attested"
    assert found.outcome is outcome
    assert {one.kind for one in found.matches} <= {MatchKind.CLASSIFIER}


@pytest.mark.parametrize("answer", [{"score": 1.1}, {"score": "0.2"}, {"score": None}, {"is_csam": False}])
async def test_classifier_that_answers_nonsense(answer: object) -> None:
    make = lambda connection: Classifier("it", connection, threshold=0.8, category="suspected")  # noqa: E731
    async with asking(FakeClassifier(fault=reply(answer)), make) as bench:
        assert (await bench.scan()).outcome is UNAVAILABLE
