"""How the fan-out is parted among processes."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from relay.domain.shares import ALL, COUNT, fair_part, parting, share_of

names = st.sets(st.text("abcdef", min_size=1, max_size=4), min_size=1, max_size=12)


def test_a_server_is_always_in_the_same_share() -> None:
    assert [share_of(name) for name in ("a.test", "b.test", "a.test:8443")] == [238, 26, 15]


def test_servers_spread_over_all_shares() -> None:
    counts = Counter(share_of(f"s{n}.test") for n in range(20_000))
    assert set(counts) == ALL
    assert max(counts.values()) < 2 * 20_000 / COUNT


@given(names)
def test_the_parts_are_the_whole_and_even(alive: set[str]) -> None:
    parts = [fair_part(name, alive) for name in alive]
    assert sum(parts) == COUNT
    assert max(parts) - min(parts) <= 1


@given(names, st.lists(st.none() | st.text("abcdef", min_size=1, max_size=4), min_size=COUNT, max_size=COUNT))
def test_however_it_stands_everything_is_soon_parted_evenly(
    alive: set[str], owners: list[str | None]
) -> None:
    held = dict(enumerate(owners))
    for _ in range(2):  # what is above a part is handed over, then it is free
        for name in sorted(alive):
            part = parting(name, alive, held)
            assert not part.take & part.shed
            assert all(held[share] not in alive for share in part.take), (
                "nobody's share is taken while it lives"
            )
            assert all(held[share] == name for share in part.shed)
            held |= dict.fromkeys(part.take, name) | dict.fromkeys(part.shed)
    counts = Counter(held.values())
    assert counts == {name: fair_part(name, alive) for name in alive}
    rest = [parting(name, alive, held) for name in alive]
    assert not any(one.take | one.shed for one in rest), "then everything stays where it is"


def test_more_processes_than_shares_leave_some_idle() -> None:
    alive = {f"{n:04}" for n in range(COUNT + 3)}
    assert sum(fair_part(name, alive) for name in alive) == COUNT
    assert fair_part(max(alive), alive) == 0
