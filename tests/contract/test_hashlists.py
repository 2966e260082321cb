"""Hash lists from import to look-up: the store, batches, snapshots, and what a crash leaves of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from relay.adapters.scanners import snapshot
from relay.adapters.scanners.comparing import compare
from relay.adapters.scanners.library import BuiltList, ListLibrary, ListSource
from relay.adapters.system import SystemClock
from relay.domain.errors import Conflict, Malformed, NotFound, RelayError
from relay.domain.hashlist import (
    BatchState,
    Effects,
    HashAlgorithm,
    ListChange,
    ListEntry,
    ListPurpose,
    unpack,
)
from relay.services.alerts import Alerts
from relay.services.lists import Lists
from relay.services.signals import Signals

if TYPE_CHECKING:
    from pathlib import Path

    from tests.databases import Database, Databases

SOURCE = ListSource("a", None, "csam", ListPurpose.ABUSE)
HEADER = "algorithm,value,category,source,note\n"


def lists_of(store: Database) -> Lists:
    clock = SystemClock()
    alerts = Alerts(store=store, clock=clock, signals=Signals(), channels=())
    return Lists(store, clock, alerts, compare)


def entry(number: int, category: str = "csam", algorithm: HashAlgorithm = HashAlgorithm.MD5) -> ListEntry:
    return ListEntry(algorithm, f"{number:032x}" * (2 if algorithm is HashAlgorithm.PDQ else 1), category)


def entries(*numbers: int) -> list[ListEntry]:
    return [entry(number) for number in numbers]


def held(built: BuiltList, most: int = 100) -> set[int]:
    """Which of the numbers are on a list."""
    lookup = built.lookup
    return {n for n in range(most) if lookup.exact(HashAlgorithm.MD5, n.to_bytes(16)) is not None}


async def built(
    store: Database, folder: Path | None = None, *, few: int = 4, small: int = 1 << 20
) -> BuiltList:
    library = ListLibrary([SOURCE], store, folder, few=few, small=small)
    return await library.built(SOURCE)


# -------------------------------------------------------------------- batches


async def test_a_batch_says_what_it_changed_and_undoing_it_brings_back_what_was(store: Database) -> None:
    lists = lists_of(store)
    assert await lists.add("a", "one", entries(1, 2, 3), who="me") == Effects(added=3)
    before = await built(store)
    loading = await lists.load("a", "two", who="me")
    changes = [ListChange(one) for one in (entry(2), entry(3, "ncii"), entry(4), entry(4), entry(5))]
    await loading.add(
        [*changes, ListChange(entry(1), removed=True), ListChange(entry(9), removed=True)], "half"
    )
    assert held(await built(store)) == {1, 2, 3}  # not in force before it is done
    effects = await lists.finish(loading, who="me")
    assert effects == Effects(added=2, changed=1, removed=1, unchanged=1, repeats=1)
    after = await built(store)
    assert held(after) == {2, 3, 4, 5}
    assert after.lookup.exact(HashAlgorithm.MD5, (3).to_bytes(16)) == "ncii"
    [newest, oldest] = await lists.batches("a")
    assert (newest.added, newest.changed, newest.removed, newest.entries) == (2, 1, 1, 7)
    assert (newest.who, newest.source, newest.state, newest.progress) == ("me", "two", BatchState.DONE, None)
    await lists.undo(newest.number, who="me")
    again = await built(store)
    assert held(again) == {1, 2, 3}
    assert again.version == before.version != after.version
    with pytest.raises(Conflict):
        await lists.undo(newest.number, who="me")
    with pytest.raises(NotFound):
        await lists.undo(99, who="me")
    await lists.undo(oldest.number, who="me")
    assert held(await built(store)) == set()


async def test_an_entry_that_two_batches_brought_stays_when_one_is_undone(store: Database) -> None:
    lists = lists_of(store)
    await lists.add("a", "one", entries(1, 2), who="me")
    await lists.add("a", "two", entries(2, 3), who="me")
    [_, first] = await lists.batches("a")
    await lists.undo(first.number, who="me")
    assert held(await built(store)) == {2, 3}


async def test_a_batch_that_replaces_the_list_can_be_undone_and_older_ones_go(store: Database) -> None:
    lists = lists_of(store)

    async def whole(*numbers: int) -> Effects:
        loading = await lists.load("a", "all", who="me", replaces=True)
        await loading.add([ListChange(one) for one in entries(*numbers)], "")
        return await lists.finish(loading, who="me")

    await lists.add("a", "one", entries(1, 2), who="me")
    assert await whole(2, 3, 4) == Effects(added=2, removed=1, unchanged=1)
    await lists.add("a", "more", entries(5), who="me")
    assert held(await built(store)) == {2, 3, 4, 5}
    assert await whole(7) == Effects(added=1, removed=4)
    assert held(await built(store)) == {7}
    states = [(one.source, one.state) for one in await lists.batches("a")]
    assert states == [
        ("all", BatchState.DONE),
        ("more", BatchState.DONE),
        ("all", BatchState.DONE),
        ("one", BatchState.OUTDATED),
    ]
    [newest, *_] = await lists.batches("a")
    await lists.undo(newest.number, who="me")
    assert held(await built(store)) == {2, 3, 4, 5}


async def test_an_import_that_died_goes_on_with_all_that_was_durable(database: Databases) -> None:
    async with database.open() as store:
        loading = await lists_of(store).load("a", "file", who="me")
        assert loading.progress is None
        await loading.add([ListChange(one) for one in entries(*range(20_000))], "20000")
    async with database.open() as store:
        lists = lists_of(store)
        other = await lists.load("a", "another file", who="me")
        again = await lists.load("a", "file", who="me")
        assert (again.progress, again.entries, other.progress) == ("20000", 20_000, None)
        await again.add([ListChange(one) for one in entries(20_000, 20_001)], "20002")
        assert await lists.finish(again, who="me") == Effects(added=20_002)
        with pytest.raises(Conflict):
            await lists.finish(again, who="me")
        await lists.drop(other)
        [batch] = await lists.batches()
    async with database.open() as store:
        # The same entries in one go: what stands for them is the same, however they came.
        whole = await lists_of(store).load("b", "file", who="me")
        await whole.add([ListChange(one) for one in entries(*range(20_000))], "")
        await whole.add([ListChange(one) for one in entries(20_000, 20_001)], "")
        assert whole.digest == batch.digest


async def test_an_import_that_was_given_up_leaves_nothing(store: Database) -> None:
    lists = lists_of(store)
    loading = await lists.load("a", "file", who="me")
    await loading.add([ListChange(one) for one in entries(1)], "")
    await lists.undo(loading.number, who="me")
    with pytest.raises(Conflict):
        await lists.finish(loading, who="me")
    assert await lists.batches() == []
    async with store.reading() as tx:
        assert await tx.hash_lists.packs(loading.number) == 0


async def test_two_imports_of_one_file_do_not_mix(store: Database) -> None:
    lists = lists_of(store)
    one, other = await lists.load("a", "file", who="me"), await lists.load("a", "file", who="you")
    await one.add([ListChange(entry(1))], "1")
    with pytest.raises(Conflict):
        await other.add([ListChange(entry(2))], "1")
    await lists.finish(one, who="me")
    with pytest.raises(Conflict):
        await one.add([ListChange(entry(3))], "2")
    assert held(await built(store)) == {1}


async def test_undoing_while_somebody_reads_is_noticed(store: Database) -> None:
    lists = lists_of(store)
    await lists.add("a", "one", entries(*range(10_000)), who="me")
    [batch] = await lists.batches()
    packs = lists.packs([batch])
    await anext(packs)
    await lists.undo(batch.number, who="me")
    with pytest.raises(Conflict):
        await anext(packs)


async def test_the_state_of_the_lists_changes_with_every_change(store: Database) -> None:
    lists, seen = lists_of(store), list[int]()

    async def look() -> None:
        async with store.reading() as tx:
            seen.append(await tx.hash_lists.changed())

    await look()
    await lists.add("a", "one", entries(1), who="me")
    await look()
    await lists.add("b", "one", entries(1), who="me")
    await look()
    await lists.undo(1, who="me")
    await look()
    await lists.load("a", "two", who="me")
    assert seen == sorted(set(seen))
    await look()
    assert seen[-1] == seen[-2]  # what is only being loaded changes nothing


# -------------------------------------------------------------------- snapshots


async def test_a_long_list_is_a_snapshot_and_what_came_since_lies_over_it(
    store: Database, tmp_path: Path
) -> None:
    lists, folder = lists_of(store), tmp_path / "lists"
    await lists.add("a", "one", entries(1, 2, 3), who="me")
    assert (await built(store, folder)).snapshot is None
    await lists.add("a", "two", entries(4, 5), who="me")
    large = await built(store, folder)
    assert large.snapshot is not None
    assert held(large) == {1, 2, 3, 4, 5}
    loading = await lists.load("a", "three", who="me")
    await loading.add([ListChange(entry(6)), ListChange(entry(1), removed=True)], "")
    await lists.finish(loading, who="me")
    over = await built(store, folder)
    assert (over.snapshot and over.snapshot.path) == large.snapshot.path
    assert held(over) == {2, 3, 4, 5, 6}
    await lists.add("a", "four", entries(7, 8, 9), who="me")
    compacted = await built(store, folder)
    assert held(compacted) == {2, 3, 4, 5, 6, 7, 8, 9}
    assert [path.name for path in folder.glob("*.index*")] == [
        compacted.snapshot and compacted.snapshot.path.name
    ]
    assert held(large) == {1, 2, 3, 4, 5}  # whoever has the old one mapped keeps it
    assert held(await built(store)) == held(compacted)  # the same without snapshots
    assert (await built(store)).version == compacted.version


async def test_undoing_what_a_snapshot_was_made_of_builds_another(store: Database, tmp_path: Path) -> None:
    lists, folder = lists_of(store), tmp_path / "lists"
    await lists.add("a", "one", entries(1, 2, 3, 4, 5), who="me")
    await lists.add("a", "two", entries(6, 7, 8, 9, 10), who="me")
    assert len(held(await built(store, folder))) == 10
    await lists.undo(1, who="me")
    assert held(await built(store, folder)) == {6, 7, 8, 9, 10}


async def test_a_build_that_crashed_is_made_again(store: Database, tmp_path: Path) -> None:
    lists, folder = lists_of(store), tmp_path / "lists"
    await lists.add("a", "one", entries(1, 2, 3, 4, 5), who="me")
    first = await built(store, folder)
    assert first.snapshot is not None
    path = first.snapshot.path
    path.write_bytes(path.read_bytes()[:-3])
    path.with_name(f"{path.name}.123.new").write_bytes(b"half")
    again = await built(store, folder)
    assert held(again) == {1, 2, 3, 4, 5}
    assert snapshot.read(path) is not None
    assert not list(folder.glob("*.new"))


async def test_a_large_file_of_its_own_is_read_by_the_process_that_builds(
    store: Database, tmp_path: Path
) -> None:
    file, folder = tmp_path / "own.csv", tmp_path / "lists"
    file.write_text(HEADER + "".join(f"md5,{number:032x},,,\n" for number in range(10)))
    source = replace(SOURCE, file=file)
    await lists_of(store).add("a", "one", entries(20, 21), who="me")
    library = ListLibrary([source], store, folder, few=4, small=10)
    large = await library.built(source)
    assert large.snapshot is not None
    assert held(large) == {*range(10), 20, 21}
    assert [len(unpack(pack)) async for pack in library.packs(source)] == [10, 2]
    with file.open("a") as opened:
        opened.write("md5,x,,,\nsha1,y,,,\n")
    with pytest.raises(Malformed, match=r"line 12: a md5 value has 32(.|\n)*line 13: a sha1"):
        await library.built(source)
    with pytest.raises(Malformed, match=r"line 12: a md5 value has 32(.|\n)*line 13: a sha1"):
        await ListLibrary([source], store).built(source)


async def test_what_cannot_be_built_is_said(store: Database, tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "a.lock").mkdir()  # nobody can open that
    await lists_of(store).add("a", "one", entries(1, 2, 3, 4, 5), who="me")
    with pytest.raises(RelayError) as caught:
        await built(store, tmp_path / "lists")
    assert caught.value.code == "list-build"


# -------------------------------------------------------------------- from before


OLD_ENTRIES = (("a", 1, 1), ("a", 2, 1), ("b", 2, 2), ("b", 3, 2))
OLD_ENTRY = "INSERT INTO list_entries VALUES ('{list}', 'md5', '{value}', 'csam', 's', 'n', {batch})"


async def test_entries_of_an_older_version_are_packed_once_and_stay(database: Databases) -> None:
    async with database.open():
        pass
    database.execute(
        "INSERT INTO list_batches (list, source, imported_at, entries) VALUES ('a', 'f', 1, 2), ('b', 'f', 1, 2)",
        *(OLD_ENTRY.format(list=name, value=f"{n:032x}", batch=batch) for name, n, batch in OLD_ENTRIES),
    )
    for _ in range(2):
        async with database.open() as store:
            library = ListLibrary([SOURCE], store)
            await library.scanners()
            assert held(await library.built(SOURCE)) == {1, 2}
            newest, oldest = await lists_of(store).batches()
            assert (newest.list, oldest.added, oldest.entries, len(oldest.digest)) == ("b", 2, 2, 64)


# -------------------------------------------------------------------- counting


@pytest.mark.parametrize("at_once", [1, 3, 1_000])
async def test_counting_in_parts_is_counting(
    store: Database, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr("relay.adapters.scanners.comparing.AT_ONCE", at_once)
    lists = lists_of(store)
    pdqs = [
        replace(entry(n << 120 | n), algorithm=HashAlgorithm.PDQ, value=f"{n << 248 | n:064x}")
        for n in range(9)
    ]
    first = [*entries(*(n << 120 for n in range(20))), *pdqs[:5]]
    assert await lists.add("a", "one", first, who="me") == Effects(added=25)
    loading = await lists.load("a", "two", who="me", replaces=True)
    await loading.add([ListChange(one) for one in [*entries(*(n << 120 for n in range(15, 30))), *pdqs]], "")
    effects = await lists.finish(loading, who="me")
    assert effects == Effects(added=14, removed=15, unchanged=10)


# -------------------------------------------------------------------- hits


async def test_entries_that_match_often_are_counted_by_post_and_forgotten(store: Database) -> None:
    async with store.transaction() as tx:
        for number in range(5):
            await tx.hash_lists.hit([("a", "m1"), ("b", "m2")], f"post {number}", float(number))
        await tx.hash_lists.hit([("a", "m1")], "post 4", 9.0)
        await tx.hash_lists.hit([("a", "m1")], "post 5", 6.0)
        assert (await tx.hash_lists.hits("m1", -1), await tx.hash_lists.hits("m1", 2.0)) == (6, 3)
        assert [one[:3] for one in await tx.hash_lists.busiest(-1, 5)] == [("a", "m1", 6)]
        assert [one.last_at for one in await tx.hash_lists.busiest(-1, 4)] == [6.0, 4.0]
        await tx.hash_lists.forget_hits(3.0)
        assert await tx.hash_lists.hits("m2", -1) == 1
