"""The decoder on real worker processes: hostile bytes, dying and hanging workers, limits, leaks.

Workers that misbehave on purpose are small programs given in place of ours; hanging ones are stopped by a signal.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relay.adapters.media import canary, samples
from relay.adapters.media.sandbox import WORKER, SandboxedDecoder
from relay.domain.media import PDQ_DRIFT, Decoded, Undecodable

if TYPE_CHECKING:
    from collections.abc import Sequence

CANARIES = canary.canary_pictures()
HOSTILE = canary.hostile_pictures()
SMALL = canary.clean_picture("small", width=160, height=120)

GREETS = "import sys; o = sys.stdout.buffer; i = sys.stdin.buffer; o.write(b'\\0\\0\\0\\2[]'); o.flush(); "
DIES = ("-c", GREETS + "i.read(9)")
TALKS_NONSENSE = ("-c", GREETS + "i.read(9); o.write(b'\\0\\0\\0\\4null'); o.flush(); i.read()")
TALKS_FOREVER = ("-c", GREETS + "i.read(9); o.write(b'\\xff' * 99); o.flush(); i.read()")
NEVER_STARTS = ("-c", "raise SystemExit")


class SystemTime:
    """Only `monotonic` is asked of it."""

    monotonic = staticmethod(time.perf_counter)


def decoder(
    *,
    workers: int = 1,
    memory: int = 1 << 30,
    timeout: float = 30,
    items_per_worker: int = 200,
    program: Sequence[str] = WORKER,
) -> SandboxedDecoder:
    return SandboxedDecoder(
        clock=SystemTime(),  # type: ignore[arg-type]
        workers=workers,
        memory=memory,
        timeout=timeout,
        max_pixels=100_000_000,
        items_per_worker=items_per_worker,
        program=program,
    )


def open_descriptors() -> int:
    gc.collect()  # what tests before this one have left behind is no matter of it
    return len(list(Path("/proc/self/fd").iterdir()))


def children() -> set[int]:
    return {
        int(pid) for pid in Path("/proc/self/task").joinpath(str(os.getpid()), "children").read_text().split()
    }


def read(path: str) -> str:
    return Path(path).read_text()


def target(path: str) -> str:
    return str(Path(path).readlink())


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_every_canary_is_recognised_and_nothing_leaks() -> None:
    before, processes = open_descriptors(), children()
    async with decoder(workers=2) as sandbox:
        pids = sandbox.pids
        original = await sandbox.decode(CANARIES["canary.png"])
        assert isinstance(original, Decoded)
        for name, content in CANARIES.items():
            found = await sandbox.decode(content)
            assert isinstance(found, Decoded), name
            last = int.from_bytes(found.frames[-1].pdq) ^ int.from_bytes(original.frames[0].pdq)
            assert last.bit_count() <= PDQ_DRIFT, name
        assert sandbox.stats.decoded == len(CANARIES) + 1
        assert sandbox.stats.busy > 0
    assert sandbox.pids == ()
    assert not any(is_alive(pid) for pid in pids)
    assert children() == processes
    assert open_descriptors() <= before + 1  # the first child watcher of a loop keeps one


ROW_40 = {
    "picture.svg": Undecodable.UNSUPPORTED,
    "polyglot.jpg": Undecodable.SECOND_FILE,
    "polyglot.png": Undecodable.SECOND_FILE,
    "polyglot.gif": Undecodable.SECOND_FILE,
    "bomb.png": Undecodable.TOO_MANY_PIXELS,
    "bomb.gif": Undecodable.TOO_MANY_PIXELS,
    "bomb.webp": Undecodable.TOO_MANY_PIXELS,
    "page.jpg": Undecodable.UNSUPPORTED,
    "empty.jpg": Undecodable.EMPTY,
    "truncated.jpg": Undecodable.TRUNCATED,
    "truncated.png": Undecodable.TRUNCATED,
    "truncated.webp": Undecodable.TRUNCATED,
    "garbage.jpg": Undecodable.TRUNCATED,
    "garbage.bin": Undecodable.UNSUPPORTED,
    "flat.png": Undecodable.TOO_LITTLE_DETAIL,
    "tiny.png": Undecodable.TOO_LITTLE_DETAIL,
    "video.mp4": Undecodable.CORRUPT,
}


async def test_row_40_hostile_media_is_undecodable_and_harms_no_worker() -> None:
    assert ROW_40.keys() == HOSTILE.keys()
    async with decoder() as sandbox:
        pids = sandbox.pids
        for name, content in HOSTILE.items():
            found = await sandbox.decode(content)
            assert (found.unseen if isinstance(found, Decoded) else found) is ROW_40[name], name
        assert isinstance(await sandbox.decode(SMALL), Decoded)
        assert sandbox.pids == pids
        assert sum(sandbox.stats.undecodable.values()) == len(HOSTILE)
        assert (sandbox.stats.killed, sandbox.stats.replaced) == (0, 0)


async def test_row_40_killed_worker_costs_one_retry() -> None:
    async with decoder() as sandbox, asyncio.TaskGroup() as group:
        (pid,) = sandbox.pids
        os.kill(pid, signal.SIGSTOP)  # so that it is certain to die in the middle
        answer = group.create_task(sandbox.decode(SMALL))
        await asyncio.to_thread(os.kill, pid, signal.SIGKILL)
        assert isinstance(await answer, Decoded)
        assert sandbox.pids != (pid,)
        assert sandbox.stats.replaced == 1
        assert sandbox.stats.killed == 0


@pytest.mark.parametrize("program", [DIES, TALKS_NONSENSE, TALKS_FOREVER])
async def test_row_40_worker_that_dies_or_talks_nonsense_twice_is_a_crash(program: Sequence[str]) -> None:
    async with decoder(program=program) as sandbox:
        assert await sandbox.decode(SMALL) is Undecodable.CRASHED
        assert await sandbox.decode(SMALL) is Undecodable.CRASHED
        assert sandbox.stats.undecodable == {Undecodable.CRASHED: 2}
        assert sandbox.stats.replaced >= 3


async def test_row_40_hanging_worker_is_killed_and_replaced() -> None:
    async with decoder(timeout=0.5) as sandbox:
        (pid,) = sandbox.pids
        os.kill(pid, signal.SIGSTOP)
        began = time.perf_counter()
        assert await sandbox.decode(SMALL) is Undecodable.TIMEOUT
        assert time.perf_counter() - began < 1.5
        assert not is_alive(pid)
        assert isinstance(await sandbox.decode(SMALL), Decoded)
        assert (sandbox.stats.killed, sandbox.stats.replaced) == (1, 1)


async def test_row_40_huge_but_allowed_picture_runs_into_the_time_limit() -> None:
    content = canary.bomb(10_000, 10_000)
    async with decoder(timeout=0.02) as sandbox:
        assert await sandbox.decode(content) is Undecodable.TIMEOUT
    async with decoder() as sandbox:
        assert await sandbox.decode(content) is Undecodable.TOO_LITTLE_DETAIL


async def test_row_40_picture_that_needs_more_memory_than_there_is() -> None:
    content = canary.bomb(10_000, 10_000)  # 100 MB of grey pixels
    async with decoder(memory=440 << 20) as sandbox:
        (pid,) = sandbox.pids
        assert isinstance(await sandbox.decode(SMALL), Decoded)
        assert await sandbox.decode(content) is Undecodable.OUT_OF_MEMORY
        assert isinstance(await sandbox.decode(SMALL), Decoded)
        assert pid not in sandbox.pids, "its memory is in pieces"


async def test_row_40_a_worker_is_confined() -> None:
    async with decoder() as sandbox:
        (pid,) = sandbox.pids
        limits, status = read(f"/proc/{pid}/limits"), read(f"/proc/{pid}/status")
        rows = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()}
        assert rows["Max open files"] == ["0", "0"]
        assert rows["Max file size"] == ["0", "0"]
        if "system-calls" not in sandbox.confined:  # there a filter lets threads start, and nothing else
            assert rows["Max processes"] == ["0", "0"]
        assert rows["Max core file size"] == ["0", "0"]
        assert rows["Max address space"] == [str(1 << 30)] * 2
        assert "NoNewPrivs:\t1" in status
        assert {"memory", "cpu", "no-files", "no-processes", "no-new-privileges"} <= sandbox.confined
        if "system-calls" in sandbox.confined:
            assert "Seccomp:\t2" in status
        if "no-network" in sandbox.confined:
            assert target(f"/proc/{pid}/ns/net") != target("/proc/self/ns/net")
        assert target(f"/proc/{pid}/cwd") == "/"


TRIES = """
from relay.adapters.media import confinement, wire
import ctypes, os, resource, signal, socket, sys, threading
done = confinement.limit(memory=1 << 30, cpu=60) | confinement.seal(threads=%s)
def can(name, what):
    try:
        what()
    except (OSError, RuntimeError, ValueError, MemoryError):
        return
    done.add(name)
folder, parent = sys.argv[1], os.getppid()
def call(*arguments):
    if ctypes.CDLL(None).syscall(*arguments) < 0:
        raise OSError
can('LEAK open', lambda: open('/etc/hostname'))
can('LEAK write', lambda: open(folder + '/new', 'w'))
can('LEAK make', lambda: os.mkdir(folder + '/new'))
can('LEAK link', lambda: os.symlink('/', folder + '/new'))
can('LEAK change', lambda: os.chmod(folder + '/kept', 0))
can('LEAK touch', lambda: os.utime(folder + '/kept'))
can('LEAK cut', lambda: os.truncate(folder + '/kept', 0))
can('LEAK rename', lambda: os.rename(folder + '/kept', folder + '/new'))
can('LEAK remove', lambda: os.remove(folder + '/kept'))
can('LEAK own output', lambda: os.open('/proc/self/fd/1', os.O_WRONLY))
can('LEAK socket', socket.socket)
can('LEAK pair', socket.socketpair)
can('LEAK connect', lambda: socket.create_connection(('127.0.0.1', 80)))
can('LEAK fork', os.fork)
can('LEAK spawn', lambda: os.posix_spawn('/bin/true', ['true'], {}))
can('LEAK exec', lambda: os.execv('/bin/true', ['true']))
can('LEAK kill', lambda: os.kill(parent, 0))
can('LEAK signal a thread', lambda: signal.pthread_kill(threading.get_ident(), signal.SIGCONT))
can('LEAK slow down', lambda: os.setpriority(os.PRIO_PROCESS, parent, 1))
can('LEAK bind', lambda: os.sched_setaffinity(parent, {0}))
can('LEAK raise', lambda: resource.setrlimit(resource.RLIMIT_CPU, (61, 61)))
can('LEAK look into', lambda: call(101, 16, parent, 0, 0))
can('LEAK dup', lambda: os.dup(1))
can('LEAK pipe', os.pipe)
can('LEAK allocate', lambda: bytearray(2 << 30))
can('thread', lambda: threading.Thread(target=len, args=('',)).start())
sys.stdout.buffer.write(wire.pack_ready(done)); sys.stdout.buffer.flush(); sys.stdin.buffer.read()
"""
"""A worker that has been taken over and tries everything."""


@pytest.mark.parametrize("threads", [True, False])
async def test_row_40_a_confined_process_can_open_write_start_and_connect_nothing(
    tmp_path: Path, *, threads: bool
) -> None:
    kept = tmp_path / "kept"
    kept.write_text("as it was")
    async with decoder(program=("-c", TRIES % threads, str(tmp_path))) as sandbox:
        assert {"memory", "cpu", "no-files"} <= sandbox.confined
        if "system-calls" in sandbox.confined:
            assert not [name for name in sandbox.confined if name.startswith("LEAK")]
            assert ("thread" in sandbox.confined) == threads
    assert await asyncio.to_thread(os.listdir, tmp_path) == ["kept"]
    assert kept.read_text() == "as it was"


DOES = (
    "from relay.adapters.media import confinement; import os, signal; confinement.limit(memory=1 << 29, cpu=60); "
    + GREETS
)
FATAL = {
    "a segmentation fault": "i.read(9); os.kill(os.getpid(), signal.SIGSEGV)",
    "an abort": "i.read(9); os.abort()",
    "all memory there is": "i.read(9); x = [bytearray(1 << 24) for _ in range(99)]",
    "deep recursion in C": "i.read(9); import ctypes; ctypes.string_at(0)",
    "an early end": "i.read(9); os._exit(0)",
}


@pytest.mark.parametrize("how", FATAL)
async def test_row_40_a_worker_that_is_killed_by_a_file_costs_one_retry_and_then_it_is_a_crash(
    how: str,
) -> None:
    async with decoder(program=("-c", DOES + FATAL[how])) as sandbox:
        assert await sandbox.decode(SMALL) is Undecodable.CRASHED
        assert (sandbox.stats.died, sandbox.stats.killed) == (2, 0)
        assert sandbox.stats.undecodable == {Undecodable.CRASHED: 1}


async def test_row_40_a_worker_that_loops_is_killed_and_counted() -> None:
    async with decoder(timeout=0.5, program=("-c", GREETS + "i.read(9)\nwhile True: pass")) as sandbox:
        (pid,) = sandbox.pids
        assert await sandbox.decode(SMALL) is Undecodable.TIMEOUT
        assert not is_alive(pid)
        assert (sandbox.stats.died, sandbox.stats.killed) == (0, 1)


async def test_every_decoder_works_where_nothing_can_be_opened() -> None:
    """Libraries open files, import modules and start threads when they are first used."""
    picture = canary.photograph(canary.CANARY_SEED, 320, 240)
    media = {
        "heic": samples.heic(picture, thumbnails=[64]),
        "jxl": samples.jxl(picture),
        "mp4": samples.clip([picture], "mp4", "libx264"),
        "webm": samples.clip([picture], "webm", "libsvtav1"),
    }
    async with decoder() as sandbox:
        original = await sandbox.decode(CANARIES["canary.png"])
        assert isinstance(original, Decoded)
        for name, content in media.items():
            found = await sandbox.decode(content)
            assert isinstance(found, Decoded), name
            gap = int.from_bytes(found.frames[0].pdq) ^ int.from_bytes(original.frames[0].pdq)
            assert gap.bit_count() <= PDQ_DRIFT, name
            assert found.unseen is None
        sound = samples.sound("mp3", "libmp3lame", covers=[CANARIES["canary.jpg"]])
        found = await sandbox.decode(sound)
        assert isinstance(found, Decoded)
        assert found.unseen is Undecodable.SOUND_ONLY
        assert sandbox.stats.undecodable == {Undecodable.SOUND_ONLY: 1}


async def test_50_concurrent_decodes_each_get_their_own_answer() -> None:
    contents = [canary.clean_picture(number, width=160 + number, height=120) for number in range(50)]
    async with decoder(workers=2) as sandbox, asyncio.TaskGroup() as group:
        answers = [group.create_task(sandbox.decode(content)) for content in contents]
        for number, answer in enumerate(answers):
            found = await answer
            assert isinstance(found, Decoded)
            assert found.width == 160 + number
        assert sandbox.stats.decoded == 50


async def test_a_cancelled_call_does_not_disturb_the_next() -> None:
    async with decoder() as sandbox:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await sandbox.decode(canary.bomb(8000, 8000))
        assert isinstance(await sandbox.decode(SMALL), Decoded)


async def test_workers_are_replaced_after_their_number_of_pictures() -> None:
    async with decoder(items_per_worker=2) as sandbox:
        first = sandbox.pids
        for _ in range(5):
            assert isinstance(await sandbox.decode(SMALL), Decoded)
        assert sandbox.pids != first
        assert not is_alive(first[0])
        assert sandbox.stats.replaced == 2


async def test_no_descriptor_and_no_process_leaks_over_many_failures() -> None:
    async with decoder(program=DIES) as sandbox:
        await sandbox.decode(SMALL)
        before = open_descriptors()
        for _ in range(5):
            await sandbox.decode(SMALL)
        assert open_descriptors() <= before
        assert len(sandbox.pids) <= 1


async def test_a_decoder_whose_workers_cannot_start_says_so_and_leaves_nothing() -> None:
    processes = children()
    with pytest.raises(ChildProcessError):
        async with decoder(program=NEVER_STARTS):
            pass
    assert children() == processes


async def test_an_error_in_the_scope_stops_the_workers() -> None:
    sandbox = decoder()
    pids: list[int] = []

    async def fail() -> None:
        async with sandbox:
            pids.extend(sandbox.pids)
            raise ValueError("something else went wrong")

    with pytest.raises(ExceptionGroup):
        await fail()
    assert pids
    assert not any(is_alive(pid) for pid in pids)


async def test_a_decoder_that_is_not_running_says_so() -> None:
    with pytest.raises(RuntimeError):
        await decoder().decode(SMALL)


def test_the_same_under_uvloop() -> None:
    import uvloop

    async def decode_and_kill() -> None:
        async with decoder(timeout=0.5) as sandbox:
            assert isinstance(await sandbox.decode(SMALL), Decoded)
            os.kill(sandbox.pids[0], signal.SIGSTOP)
            assert await sandbox.decode(SMALL) is Undecodable.TIMEOUT
            assert isinstance(await sandbox.decode(SMALL), Decoded)

    uvloop.run(decode_and_kill())  # uvloop keeps descriptors of its own from the first run on
    before, processes = open_descriptors(), children()
    uvloop.run(decode_and_kill())
    assert open_descriptors() <= before
    assert children() == processes
