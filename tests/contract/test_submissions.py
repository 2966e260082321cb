"""Ports `Submissions`, `KeyRecords` and `StatusIndexes`, on the database that the relay runs on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from relay.domain.attestkey import KeyRecord
from relay.domain.intake import Issued
from relay.domain.media import Match, MatchKind, ScanOutcome
from relay.domain.submission import Submission, SubmissionState

if TYPE_CHECKING:
    from tests.databases import Database, Databases

FILE = Submission("1", "a.test", "https://a.test/alice", "sha256:00", "00", None, 10.0, 10.0, 12.0)
MATCH = Match(MatchKind.KNOWN, "local", "csam", "sha256", 0)


async def test_a_submission_is_there_after_opening_again(database: Databases) -> None:
    at_url = replace(FILE, id="2", key="https://a.test/x", digest=None, url="https://a.test/x")
    async with database.open() as store, store.transaction() as tx:
        await tx.submissions.add(FILE)
        await tx.submissions.add(at_url)
    async with database.open() as store, store.reading() as tx:
        assert [await tx.submissions.by_id(number) for number in "123"] == [FILE, at_url, None]


async def test_the_same_file_is_the_same_submission_until_its_answer_is_shown(store: Database) -> None:
    async with store.transaction() as tx:
        await tx.submissions.add(FILE)
        assert await tx.submissions.unanswered("a.test", FILE.key, 11.0) == FILE
        assert await tx.submissions.unanswered("b.test", FILE.key, 11.0) is None
        assert await tx.submissions.counts("a.test", 11.0) == (1, 1)
        await tx.submissions.settle(FILE, SubmissionState.UNATTESTED, reason="match", shown_at=22.0)
        found = await tx.submissions.unanswered("a.test", FILE.key, 21.0)
        assert found is not None
        assert (found.state, found.reason) == (SubmissionState.UNATTESTED, "match")
        assert await tx.submissions.unanswered("a.test", FILE.key, 22.0) is None
        assert [await tx.submissions.counts("b.test", now) for now in (21.0, 22.0)] == [(1, 0), (0, 0)]
        await tx.submissions.settle(FILE, SubmissionState.ATTESTED, reason=None, shown_at=1.0)
        [same] = [await tx.submissions.by_id("1")]
        assert same is not None
        assert same.state is SubmissionState.UNATTESTED  # the first answer stands


async def test_a_submission_falls_due_again_when_its_worker_died(store: Database) -> None:
    async with store.transaction() as tx:
        await tx.submissions.add(FILE)
        assert await tx.submissions.next_due() == 10.0
        assert await tx.submissions.claim(now=9.0, until=99.0, most=8, held={"1"}, grace=0.0) == []
        [first] = await tx.submissions.claim(now=10.0, until=99.0, most=8, held={"1"}, grace=0.0)
        assert await tx.submissions.claim(now=98.0, until=200.0, most=8, held={"1"}, grace=0.0) == []
        [again] = await tx.submissions.claim(now=99.0, until=200.0, most=8, held={"1"}, grace=0.0)
        assert (first.attempts, again.attempts) == (1, 2)
        await tx.submissions.delay(replace(again, digest="ab"), 150.0)
        await tx.submissions.hurry("1", 160.0)
        assert await tx.submissions.next_due() == 150.0
        await tx.submissions.hurry("1", 120.0)
        [third] = await tx.submissions.claim(now=120.0, until=200.0, most=8, held={"1"}, grace=0.0)
        assert (third.digest, third.attempts) == ("ab", 3)
        await tx.submissions.settle(third, SubmissionState.ATTESTED, reason=None, shown_at=121.0)
        assert await tx.submissions.next_due() is None


async def test_a_file_is_left_to_the_process_that_was_sent_it(store: Database) -> None:
    async def claimed(now: float, *held: str) -> list[str]:
        found = await tx.submissions.claim(now=now, until=now, most=8, held=held, grace=100.0)
        return [one.id for one in found]

    async with store.transaction() as tx:
        await tx.submissions.add(FILE)
        await tx.submissions.add(replace(FILE, id="2", key="k", url="https://a.test/file", digest=None))
        assert await claimed(10.0) == ["2"]
        assert sorted(await claimed(10.0, "1", "3")) == ["1", "2"]
        due = FILE.received_at + FILE.wait
        assert await claimed(due + 100.0) == ["2"]
        assert sorted(await claimed(due + 101.0)) == ["1", "2"]


async def test_what_has_its_answer_is_forgotten_and_what_waits_is_not(store: Database) -> None:
    async with store.transaction() as tx:
        for number, state, shown in (
            ("1", SubmissionState.WAITING, None),
            ("2", SubmissionState.ATTESTED, 11.0),
            ("3", SubmissionState.UNATTESTED, 99.0),
        ):
            await tx.submissions.add(replace(FILE, id=number, state=state, shown_at=shown))
        await tx.submissions.forget(50.0, findings=50.0)
        assert [await tx.submissions.by_id(number) is None for number in "123"] == [False, True, False]
        await tx.submissions.forget(100.0, findings=50.0)
        assert await tx.submissions.by_id("3") is None


async def test_findings_are_counted_by_server_and_digest_and_closed_once(store: Database) -> None:
    async with store.transaction() as tx:
        for at, server in ((1.0, "a.test"), (2.0, "b.test"), (3.0, "a.test")):
            await tx.submissions.note(
                replace(FILE, server=server), ScanOutcome.MATCH, (MATCH,), rule="floor", reason="known", at=at
            )
        first, second = await tx.submissions.findings(is_open=True, most=9)
        assert (first.server, first.times, first.first_at, first.last_at) == ("a.test", 2, 1.0, 3.0)
        assert (second.server, second.times, second.matches) == ("b.test", 1, (MATCH,))
        assert len(await tx.submissions.findings(is_open=True, most=1)) == 1
        assert await tx.submissions.close(first.id, at=4.0, who="me", note="done")
        assert not await tx.submissions.close(first.id, at=5.0, who="you", note=None)
        closed = await tx.submissions.finding(first.id)
        assert closed == replace(first, closed_at=4.0, closed_by="me", note="done")
        assert [one.id for one in await tx.submissions.findings(is_open=False, most=9)] == [first.id]
        await tx.submissions.forget(0.0, findings=4.5)
        assert await tx.submissions.finding(first.id) is None
        assert await tx.submissions.finding(second.id) == second


async def test_what_became_of_keys_and_what_they_signed(store: Database) -> None:
    old = KeyRecord("att-2026-11", bytes(range(32)), 1.0, None, 9.0)
    async with store.transaction() as tx:
        await tx.key_records.save(old)
        await tx.key_records.save(replace(old, name="att-2026-10"))
        await tx.key_records.save(replace(old, revoked_at=2.0))
        records = await tx.key_records.all()
        assert records == [replace(old, name="att-2026-10"), replace(old, revoked_at=2.0)]
        for digest, key, jws in (
            ("a", "att-2026-11", "x"),
            ("b", None, "x"),
            ("c", None, None),
            ("d", "att-2026-12", "x"),
        ):
            await tx.media.save_issued(Issued(digest, jws, 1.0, 9.0, key=key))
        assert await tx.media.retract_key("att-2026-11", 3.0) == 2
        assert await tx.media.retract_key("att-2026-11", 4.0) == 0
        issued = [await tx.media.issued(digest) for digest in "abcd"]
        assert [one and one.retracted_at for one in issued] == [3.0, 3.0, None, None]
        await tx.media.save_issued(Issued("a", "y", 5.0, 9.0, key="att-2026-12"))
        again = await tx.media.issued("a")
        assert again == Issued("a", "y", 5.0, 9.0, None, "att-2026-12")


async def test_indexes_of_status_lists(store: Database) -> None:
    async with store.transaction() as tx:
        assert await tx.status_indexes.newest() == (1, 0)
        assert await tx.status_indexes.retracted(1) is None
        for number, index, digest, key in (
            (1, 7, "a", "k"),
            (1, 9, "a", "k"),
            (1, 8, "b", "l"),
            (2, 7, "c", "k"),
        ):
            ends = 9.0 + index
            assert await tx.status_indexes.take(number, index, digest=digest, key=key, expires_at=ends)
        assert not await tx.status_indexes.take(1, 7, digest="d", key="k", expires_at=9.0)
        assert await tx.status_indexes.newest() == (2, 1)
        assert await tx.status_indexes.retracted(1) == []
        assert not await tx.media.retract("a", 1.0)  # the bits of older ones count, too
        assert await tx.status_indexes.retracted(1) == [7, 9]
        await tx.media.retract_key("l", 1.0)
        assert await tx.status_indexes.retracted(1) == [7, 8, 9]
        assert await tx.status_indexes.retracted(2) == []
        await tx.status_indexes.forget(17.5)
        assert await tx.status_indexes.retracted(1) == [9]
        assert await tx.status_indexes.retracted(2) is None
