"""The port `Canonicalizer`: documents are read in processes that may hang, die and answer nonsense."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from relay.adapters.canonical.pool import ATTEMPTS, CanonicalProcesses
from relay.adapters.canonical.wire import pack_answer, parse_answer, parse_question
from relay.domain.errors import Malformed
from relay.protocol.ldsig import Reading
from relay.protocol.unproven import Failure
from tests.unit.protocol.signed import key
from tests.unit.protocol.signed_ld import mastodon_create, sign_ld

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

BODY = json.dumps(sign_ld(mastodon_create(4), key(), "https://a.example/users/alice#main-key")).encode()
PATIENT = 30.0
"""Seconds: a busy machine must not fail a test that is not about time."""

HEAD = """
import sys, time
from relay.adapters.media.wire import pack_ready
out = sys.stdout.buffer
out.write(pack_ready([])); out.flush()
"""
SILENT = HEAD + "sys.stdin.buffer.read()"
"""Takes what it is given and says nothing."""
DYING = HEAD + "sys.stdin.buffer.read(1)"
"""Ends in the middle of a document."""
TALKING = (
    HEAD + "sys.stdin.buffer.read(9); out.write(b'\\0\\0\\0\\x02[]'); out.flush(); sys.stdin.buffer.read()"
)
"""Answers nonsense."""


@pytest.fixture
async def reader() -> AsyncIterator[CanonicalProcesses]:
    async with CanonicalProcesses(timeout=PATIENT) as processes:
        yield processes


def program(folder: Path, text: str) -> tuple[str, str]:
    path = folder / "worker.py"
    path.write_text(text)
    return "-c", f"import sys; sys.path[:0] = {sys.path!r}; exec(open({str(path)!r}).read())"


async def test_both_engines_read_the_same(reader: CanonicalProcesses) -> None:
    first, second = [await reader.read(BODY, engine) for engine in ("first", "second")]
    assert isinstance(first, Reading)
    assert isinstance(second, Reading)
    assert (first.document_hash, first.options_hash) == (second.document_hash, second.options_hash)
    assert first.same
    assert second.same
    assert reader.stats.started == 1


async def test_many_at_once_get_their_own_answers(reader: CanonicalProcesses) -> None:
    bodies = [BODY, BODY.replace(b"canaries", b"parrots"), b'{"id":"x"}'] * 5
    answers = await asyncio.gather(*(reader.read(body, "first") for body in bodies))
    assert answers[:3] * 5 == list(answers)
    assert answers[2] is Failure.NO_ID
    assert len({answer.document_hash for answer in answers if isinstance(answer, Reading)}) == 2
    assert len(reader.pids) == reader.stats.started == 2


async def test_processes_are_confined(reader: CanonicalProcesses) -> None:
    assert reader.confined == frozenset()
    await reader.read(BODY, "first")
    assert {"memory", "cpu", "no-files", "system-calls"} <= reader.confined


async def test_a_process_that_was_killed_is_replaced(reader: CanonicalProcesses) -> None:
    await reader.read(BODY, "first")
    [pid] = reader.pids
    os.kill(pid, signal.SIGKILL)
    assert isinstance(await reader.read(BODY, "first"), Reading), "the document is not to blame"
    assert reader.pids != (pid,)
    assert (reader.stats.died, reader.stats.started, reader.stats.read) == (1, 2, 2)


async def test_a_process_that_hangs_is_killed(tmp_path: Path) -> None:
    async with CanonicalProcesses(timeout=0.05, program=program(tmp_path, SILENT)) as processes:
        assert await processes.read(BODY, "first") is Failure.TOO_SLOW
        assert processes.pids == ()
        assert processes.stats.killed == 1


@pytest.mark.parametrize("text", [DYING, TALKING, "broken"])
async def test_a_process_that_misbehaves_is_killed(tmp_path: Path, text: str) -> None:
    async with CanonicalProcesses(timeout=PATIENT, program=program(tmp_path, text)) as processes:
        assert await processes.read(BODY, "first") is Failure.CRASHED
        assert processes.pids == ()
        assert processes.stats.died == ATTEMPTS


async def test_who_gives_up_leaves_no_answer_behind(tmp_path: Path) -> None:
    async with CanonicalProcesses(timeout=PATIENT, program=program(tmp_path, SILENT)) as processes:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await processes.read(BODY, "first")
        assert processes.pids == ()


async def test_a_worn_process_is_replaced(
    reader: CanonicalProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.adapters.canonical.pool.DOCUMENTS_PER_WORKER", 1)
    await reader.read(BODY, "first")
    assert reader.pids == ()
    assert isinstance(await reader.read(BODY, "first"), Reading)


def test_messages() -> None:
    reading = Reading("a" * 64, "b" * 64, True, b'{"id":"x"}')
    assert parse_answer(pack_answer(reading)[4:]) == reading
    for failure in Failure:
        assert parse_answer(pack_answer(failure)[4:]) is failure
    long = Reading("a" * 64, "b" * 64, True, b"x" * (1 << 20))
    assert parse_answer(pack_answer(long)[4:]) is Failure.TOO_LARGE
    assert parse_question(b"2{}") == (b"{}", "second")
    assert parse_question(b"1{}") == (b"{}", "first")


@pytest.mark.parametrize(
    "message",
    [b"", b"{}", b"1", b'"other"', b"[]", b'["a","b",true,"{}"]', b"[1,2,3,4]", b'["a","b",1,"{}"]', b"null"],
)
def test_nonsense(message: bytes) -> None:
    with pytest.raises(Malformed):
        parse_answer(message)
