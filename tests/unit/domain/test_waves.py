"""Detectors of waves, and what a brake makes of a decision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain.facts import Facts
from relay.domain.media import FrameHash
from relay.domain.policy import RELAYING, Action, Mode, Policy, Verb, decide
from relay.domain.waves.brake import SPREAD, Brake, BrakeState, Cover, Kind, braked, cover_of
from relay.domain.waves.crowds import Crowd, PictureCrowds, TextCrowds
from relay.domain.waves.floods import Excess, Loudness, Mentions, Rates
from relay.domain.waves.sighting import Picture, Sighting, picture_of, some
from relay.domain.waves.telling import begun, covered, does, noticed, over
from relay.domain.waves.waiting import Stopped, spread
from relay.domain.waves.watch import Sensitivity, Watch
from relay.domain.waves.wording import Sketch

NOW = 1_795_300_000.0
TEXT = Sketch(tuple(range(20)))
PICTURE = Picture("ab" * 32, 5)
SAME = {"accounts": 3, "within": 600.0}


def seen(number: int = 0, **more: Any) -> Sighting:
    made = Sighting(f"post {number}", f"account {number}", f"server {number % 5}", NOW + number, young=True)
    return replace(made, **more)


def brake(cover: Cover, **more: Any) -> Brake:
    made = Brake(
        1, cover, Verb.DEFER, observed=False, state=BrakeState.ACTIVE, started_at=NOW, until=NOW + 60,
        latest=NOW + 600, who="relay",
    )  # fmt: skip
    return replace(made, **more)


# -------------------------------------------------------------------- crowds


def test_a_crowd_is_as_many_accounts_on_enough_servers() -> None:
    crowds = TextCrowds()
    found = [crowds.see(seen(number), TEXT, **SAME) for number in range(4)]
    assert found[:2] == [None, None]
    assert found[2] == (TEXT, Crowd(3, 3, ("post 0", "post 1")))
    assert found[3] is not None


def test_on_few_servers_it_takes_twice_as_many() -> None:
    crowds = TextCrowds()
    found = [crowds.see(seen(number, server="one"), TEXT, **SAME) for number in range(6)]
    assert found[:5] == [None] * 5
    assert found[5] is not None


def test_one_account_counts_once_and_time_ends_it() -> None:
    crowds = TextCrowds()
    assert [crowds.see(seen(0, at=NOW + n), TEXT, **SAME) for n in range(9)] == [None] * 9
    late = [crowds.see(seen(number, at=NOW + 400 * number), TEXT, **SAME) for number in range(1, 9)]
    assert late == [None] * 8


def test_members_are_bounded() -> None:
    crowds = TextCrowds()
    found = None
    for number in range(500):
        found = crowds.see(seen(number, at=NOW), TEXT, **SAME)
    assert found is not None
    assert found[1].accounts == 200


def test_crowds_are_bounded_and_forgotten_whole() -> None:
    crowds = TextCrowds(most=10)
    for number in range(200):
        text = Sketch(tuple(range(number * 20, number * 20 + 20)))
        crowds.see(seen(number), text, **SAME)
    assert len(crowds) == 10
    assert len(crowds._index) == 80


def test_words_that_all_texts_have_do_not_make_them_one_nor_hide_those_that_are() -> None:
    crowds = TextCrowds(most=30)
    for number in range(50):  # the same eight smallest hashes, and otherwise nothing in common
        text = Sketch((*range(8), *range(100 + number * 20, 120 + number * 20)))
        assert crowds.see(seen(number), text, **SAME) is None
    wave = Sketch((*range(8), *range(5000, 5020)))
    assert [crowds.see(seen(number), wave, **SAME) for number in range(3)][-1] is not None
    for number in range(40):
        crowds.see(seen(number), Sketch((9000 + number,)), **SAME)
    assert len(crowds._index) == len(crowds) == 30


def test_pictures_are_the_same_by_bytes_or_by_sight() -> None:
    crowds = PictureCrowds()
    pictures = [Picture("a", 0), Picture("b", 0b111), Picture("c", 1 << 31)]
    found = [crowds.see(seen(n), [one], **SAME) for n, one in enumerate(pictures)]
    assert found[2] == (pictures[0], Crowd(3, 3, ("post 0", "post 1")))
    assert crowds.see(seen(9), [], **SAME) is None
    assert not Picture("x", 2**256 - 1).alike(pictures[0])
    assert not Picture("x").alike(Picture("y", 1))


def test_pictures_are_bounded() -> None:
    crowds = PictureCrowds(most=5)
    for number in range(50):
        crowds.see(seen(number), [Picture(str(number))], **SAME)
    assert len(crowds) == 5


def test_a_frame_without_detail_is_only_its_bytes() -> None:
    frame = FrameHash(b"\x01" * 32, 80, (), b"")
    assert picture_of("a", frame).pdq == int.from_bytes(b"\x01" * 32)
    assert picture_of("a", replace(frame, quality=10)) == picture_of("a", None) == Picture("a")
    assert len(some(Picture(str(number % 20)) for number in range(40))) == 8


# -------------------------------------------------------------------- floods


def test_different_people_count_for_ten_minutes() -> None:
    mentions = Mentions()
    assert mentions.add("a", frozenset("xyz"), NOW) == 3
    assert mentions.add("a", frozenset("xy"), NOW + 400) == 3
    assert mentions.add("a", frozenset("v"), NOW + 700) == 3
    assert mentions.add("b", frozenset(), NOW) == 0
    assert mentions.add("a", frozenset(map(str, range(900))), NOW + 700) == 400


def test_sources_are_bounded() -> None:
    mentions, loudness, rates = Mentions(5), Loudness(5), Rates(5)
    for number in range(50):
        mentions.add(str(number), frozenset("x"), NOW)
        loudness.add(str(number), NOW)
        rates.add(str(number), NOW, times=2.0)
    assert (len(mentions), len(loudness), len(rates)) == (5, 5, 5)


def test_who_posts_more_than_people_do_is_loud() -> None:
    loudness = Loudness()
    for second in range(12):
        loudness.add("a", NOW + second)
    assert not loudness.loud("a", NOW + 12)
    loudness.add("a", NOW + 12)
    assert loudness.loud("a", NOW + 12)
    assert not loudness.loud("a", NOW + 2000)
    assert not loudness.loud("b", NOW)


def test_a_rate_is_far_above_its_own_usual_or_nothing_is_said() -> None:
    def rates(hours: int, each: int) -> Rates:
        made = Rates()
        for hour in range(hours):
            for number in range(each):
                made.add("s", hour * 3600.0 + number, times=8.0)
        return made

    def burst(made: Rates, hour: int, count: int) -> Excess | None:
        return [made.add("s", hour * 3600.0 + 1, times=8.0) for _ in range(count)][-1]

    assert burst(rates(30, 10), 30, 79) is None
    assert burst(rates(30, 10), 30, 100) == Excess(100, 10)
    assert burst(rates(30, 100), 30, 100) is None  # a busy server
    assert burst(rates(20, 10), 20, 500) is None  # nobody knows what is usual
    assert burst(rates(30, 10), 400, 100) == Excess(100, 0)  # it was silent for two weeks


def test_the_peak_of_each_day_is_usual() -> None:
    rates = Rates()
    for hour in range(48):
        for number in range(700 if hour % 24 > 17 else 2):
            assert rates.add("s", hour * 3600.0 + number * 5, times=8.0) is None
    assert [rates.add("s", 48 * 3600.0 + n, times=8.0) for n in range(700)][-1] is None


# -------------------------------------------------------------------- all together


def test_what_tells_most_exactly_is_named_first() -> None:
    watch = Watch(Sensitivity(accounts=3, mentions=5))
    people = frozenset(map(str, range(9)))
    document = {"content": "one another third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"}
    kinds = []
    for number in range(3):
        finding = watch.see(seen(number, document=document, mentions=people))
        kinds.append(finding and finding.cover.kind)
    assert kinds == [Kind.MENTIONS, Kind.MENTIONS, Kind.TEXT]


def test_established_accounts_are_not_looked_at() -> None:
    watch = Watch(Sensitivity(accounts=3, mentions=5))
    for number in range(50):
        post = seen(number, young=False, pictures=(PICTURE,), mentions=frozenset(map(str, range(99))))
        assert watch.see(post) is None


def test_a_picture_and_a_server_that_mentions() -> None:
    watch = Watch(Sensitivity(accounts=3, mentions=5))
    finding = [watch.see(seen(number, pictures=(PICTURE,))) for number in range(3)][-1]
    assert finding is not None
    assert (finding.cover.kind, finding.before) == (Kind.PICTURE, ("post 0", "post 1"))
    found = None
    for number in range(10):
        people = frozenset(f"{number}-{one}" for one in range(4))
        found = watch.see(seen(number, server="s", mentions=people))
    assert found is not None
    assert found.cover == Cover(Kind.MENTIONS, server="s")


def test_a_flood_of_a_server_that_was_not_live_does_not_count() -> None:
    watch = Watch(Sensitivity(rate=2.0))
    for hour in range(30):
        watch.see(seen(0, young=False, at=hour * 3600.0))
    old = [watch.see(seen(0, young=False, at=30 * 3600.0, live=False)) for _ in range(200)]
    live = [watch.see(seen(0, young=False, at=30 * 3600.0)) for _ in range(200)]
    assert old[-1] is None
    assert live[-1] is not None
    assert live[-1].cover == Cover(Kind.RATE, server="server 0")


# -------------------------------------------------------------------- brakes


COVERS = [
    Cover(Kind.TEXT, text=TEXT),
    Cover(Kind.PICTURE, picture=PICTURE),
    Cover(Kind.PICTURE, picture=Picture("cd")),
    Cover(Kind.MENTIONS, account="account 0"),
    Cover(Kind.MENTIONS, server="s.test"),
    Cover(Kind.RATE, server="s.test"),
    Cover(Kind.MEDIA),
    Cover(Kind.SERVER, server="s.test"),
    Cover(Kind.NEWCOMERS),
    Cover(Kind.SINCE, since=NOW),
]


@pytest.mark.parametrize("cover", COVERS, ids=lambda one: one.kind.value)
def test_a_cover_comes_back_from_json(cover: Cover) -> None:
    assert cover_of(cover.kind, cover.as_json()) == cover


@pytest.mark.parametrize(
    ("cover", "post", "covered"),
    [
        (COVERS[0], seen(document={"content": "too short"}), False),
        (COVERS[0], seen(young=False), False),
        (COVERS[1], seen(pictures=(PICTURE,)), True),
        (COVERS[1], seen(pictures=(PICTURE,), young=False), False),
        (COVERS[1], seen(), False),
        (COVERS[3], seen(mentions=frozenset("x")), True),
        (COVERS[3], seen(1, mentions=frozenset("x")), False),
        (COVERS[3], seen(), False),
        (COVERS[4], seen(1, server="s.test", mentions=frozenset("x")), True),
        (COVERS[4], seen(1, server="s.test", mentions=frozenset("x"), young=False), False),
        (COVERS[5], seen(server="s.test"), True),
        (COVERS[5], seen(server="s.test", young=False), False),
        (COVERS[5], seen(server="s.test", young=False, loud=True), True),
        (COVERS[5], seen(), False),
        (COVERS[6], seen(media=True), True),
        (COVERS[6], seen(), False),
        (COVERS[7], seen(server="a.s.test", young=False), True),
        (COVERS[7], seen(server="t.test"), False),
        (COVERS[8], seen(), True),
        (COVERS[8], seen(young=False), False),
        (COVERS[9], seen(), True),
        (COVERS[9], seen(followed_at=NOW), True),
        (COVERS[9], seen(followed_at=NOW - 1), False),
        (Cover(Kind.TEXT), seen(), False),
        (Cover(Kind.SERVER), seen(), False),
    ],
)
def test_what_a_brake_covers(cover: Cover, post: Sighting, covered: bool) -> None:  # noqa: FBT001
    assert cover.covers(post) is covered


def test_a_text_is_read_once_and_covered() -> None:
    words = "one another third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
    post = seen(document={"content": words})
    text = post.text
    assert text is not None
    assert post.text is text
    assert Cover(Kind.TEXT, text=text).covers(post)


def test_covers_that_are_about_the_same() -> None:
    text, other = Cover(Kind.TEXT, text=TEXT), Cover(Kind.TEXT, text=Sketch((99, 100)))
    assert text.alike(Cover(Kind.TEXT, text=Sketch(tuple(range(19)))))
    assert not text.alike(other)
    assert COVERS[1].alike(Cover(Kind.PICTURE, picture=Picture("zz", 4)))
    assert not COVERS[1].alike(COVERS[2])
    assert not COVERS[4].alike(COVERS[5])
    assert COVERS[5].alike(COVERS[5])


@pytest.mark.parametrize("verb", list(Verb))
@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("observed", [False, True])
@pytest.mark.parametrize("cover", [COVERS[0], COVERS[6]], ids=["wave", "incident"])
def test_a_brake_only_ever_stops(verb: Verb, mode: Mode, cover: Cover, *, observed: bool) -> None:
    policy = Policy(1, mode, (), otherwise=Action(verb, 600 if verb is Verb.DEFER else 0))
    decision = decide(policy, Facts(), NOW)
    found = braked(decision, brake(cover, observed=observed), NOW + 10)
    if decision.verb not in RELAYING:
        assert found is decision
    elif cover.kind is Kind.TEXT and decision.would not in RELAYING:
        assert found is decision  # what the policy would have done is what is on record
    else:
        acts = not observed and (mode is Mode.ENFORCE or cover.kind is Kind.MEDIA)
        assert (found.would, found.seconds, found.enforced) == (Verb.DEFER, 50, acts)
        assert found.verb is (Verb.DEFER if acts else decision.verb)
        assert found.trace[-1].phase == "brake"


@given(st.integers(0, 10_000))
def test_what_is_deferred_comes_back_spread(ahead: int) -> None:
    decision = decide(Policy(1, Mode.ENFORCE, (), otherwise=Action(Verb.RELAY)), Facts(), NOW)
    found = braked(decision, brake(COVERS[0]), NOW, ahead=ahead)
    assert 60 <= found.seconds < 60 + SPREAD
    held = braked(decision, brake(COVERS[0], verb=Verb.QUARANTINE), NOW, ahead=ahead)
    assert (held.verb, held.seconds) == (Verb.QUARANTINE, 0)


def test_the_times_of_a_brake() -> None:
    one = brake(COVERS[0])
    assert (one.active(NOW + 59), one.active(NOW + 60)) == (True, False)
    assert not replace(one, state=BrakeState.ENDED).active(NOW)
    assert one.extended(NOW, 100.0) == NOW + 100
    assert one.extended(NOW, 10_000.0) == NOW + 600
    assert one.extended(NOW - 500, 100.0) == NOW + 60


def test_only_waves_that_a_person_ended_are_pardoned_and_not_for_ever() -> None:
    ended = brake(COVERS[0], state=BrakeState.ENDED, ended_at=NOW, ended_by="ann")
    assert ended.pardons(NOW + 3600)
    assert not ended.pardons(NOW + 8 * 86_400)
    assert not replace(ended, ended_by=None).pardons(NOW)
    assert not replace(ended, cover=COVERS[6]).pardons(NOW)
    assert not replace(ended, ended_at=None).pardons(NOW)


@given(st.integers(0, 20_000))
def test_times_are_spread_over_an_hour_at_most(count: int) -> None:
    times = list(spread(NOW, count))
    assert len(times) == count
    assert not times or times[-1] <= NOW + SPREAD
    assert times == sorted(times)


def test_numbers_of_what_was_stopped() -> None:
    stopped = Stopped(held=1, deferred=2, released=3, purged=4, left=5, observed=6)
    assert (stopped.waiting, stopped.all) == (3, 21)


@pytest.mark.parametrize("cover", [*COVERS, Cover(Kind.SINCE)], ids=lambda one: one.kind.value)
def test_alerts_name_nobody_and_the_operator_reads_names(cover: Cover) -> None:
    one = brake(cover, before=("https://a.test/1",), evidence={"accounts": 10})
    alert = begun(one)
    told = f"{alert.title} {alert.text} {noticed(one)}"
    assert not any(name in told for name in ("s.test", "account 0", "a.test"))
    assert all(name in covered(one) for name in (cover.server, cover.account) if name)
    assert ("not before 2026-11-21" in covered(one)) is (cover.since is not None)
    assert "1 of them had been decided before" in alert.text
    assert "2 held posts wait for you" in over(one, Stopped(held=2)).text


def test_what_is_done_in_words() -> None:
    one = brake(COVERS[0])
    assert [does(one), does(replace(one, verb=Verb.QUARANTINE)), does(replace(one, observed=True))] == [
        "deferred",
        "held",
        "recorded only",
    ]
    assert (one.name, one.reason, brake(COVERS[6]).name) == ("spam wave 1", "spam-wave", "incident 1")
    assert "before" not in begun(one).text
