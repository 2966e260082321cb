"""The lab's test of verifiers: our libraries and the relay pass, and those that do it wrong are found out."""

from __future__ import annotations

import json
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from mediaattest.answer import answers
from relay.adapters.answering import CommandAnswerer, run_command
from relay.adapters.guard import AddressPolicy
from relay.adapters.remote import GuardedRemote
from relay.adapters.system import SystemClock
from relay.cli.demo.certificates import make_authority
from relay.cli.demo.loopback import NETWORK, LoopbackResolver
from relay.cli.lab.issuer import PARTS, make_pictures, trap
from relay.cli.lab.stage import StageOptions, on_stage
from relay.cli.lab.verifier import run_verifier
from relay.cli.serving import listening
from relay.domain.errors import RemoteError
from relay.domain.lab.cases.fetching import FETCHING
from relay.domain.lab.cases.verifier import STATEMENTS
from relay.domain.lab.grading import assess
from relay.domain.lab.model import Grade, Outcome, Role, Run
from relay.protocol.lab.vectors import vectors
from relay.services.lab.answering import OwnVerifier
from relay.services.lab.live import LiveTest
from relay.services.lab.verifier import MOST_SILENT, VectorTest
from tests.flow.operators import at_a_prompt, documented

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from relay.adapters.canonical.pool import CanonicalProcesses
    from relay.domain.lab.model import Result

OURS = f"{sys.executable} -m mediaattest answer"
ECHO = f"{sys.executable} -c"


@pytest.fixture(autouse=True)
def modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes find our modules."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))


class Wrong:
    """A verifier that answers as the library does, but for `change`."""

    def __init__(self, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> None:
        self.change, self.asked = change, 0

    async def ask(self, question: bytes, *, timeout: float) -> bytes:
        self.asked += 1
        [answer] = answers([question.decode()])
        found = json.loads(answer)
        changed = self.change(json.loads(question), found)
        return json.dumps(found if changed is None else changed).encode()


def outcomes(results: list[Result]) -> dict[str, Outcome]:
    return {result.code: result.outcome for result in results}


def failed(results: list[Result]) -> set[str]:
    return {result.code for result in results if result.outcome is Outcome.FAILED}


# ---------------------------------------------------------------- by vectors


async def test_our_library_is_a_verifier() -> None:
    run = await run_verifier(None, OURS, StageOptions())
    assert [result for result in run.results if result.outcome is not Outcome.PASSED] == []
    assert (assess(run).grade, assess(run).conforms) == (Grade.A, True)
    assert {result.code for result in run.results} == {case.code for case in STATEMENTS}


async def test_a_verifier_may_be_an_address() -> None:
    async def answer(request: web.Request) -> web.Response:
        [found] = answers([await request.text()])
        return web.Response(text=found, content_type="application/json")

    app = web.Application()
    app.add_routes([web.post("/answer", answer)])
    async with listening(app, "127.0.0.1", 0) as port:
        run = await run_verifier(f"http://127.0.0.1:{port}/answer", None, StageOptions())
        wrong = await run_verifier(f"http://127.0.0.1:{port}/elsewhere", None, StageOptions())
    assert assess(run).grade is Grade.A
    assert assess(wrong).conforms is False
    assert "status 404" in next(result for result in wrong.results if result.code == "ATT-332").detail


async def test_who_forgets_to_look_at_the_time_is_told_where() -> None:
    def forgets(_question: object, answer: dict[str, Any]) -> None:
        if answer.get("verdict") == "expired":
            answer |= {"verdict": "valid", "step": 11}

    results = await VectorTest(Wrong(forgets)).run()
    assert failed(results) == {"ATT-331", "ATT-354"}  # the time comes before the bytes, too
    [found] = [result for result in results if result.code == "ATT-354"]
    assert "`at exp`: expected verdict expired" in found.detail
    assert {one.label for one in found.evidence} == {"question `at exp`", "answer `at exp`"}


async def test_who_says_valid_to_everything_fails_everything() -> None:
    async def run(change: Any) -> Run:
        return Run(Role.VERIFIER, "x", 0, 0, "tests", await VectorTest(Wrong(change)).run())

    found = assess(
        await run(lambda question, _: {"verdict": "valid"} if question["kind"] == "verify" else None)
    )
    assert (found.grade, found.conforms) == (Grade.D, False)
    assert found.counts[Outcome.FAILED] > 30


async def test_what_a_verifier_does_not_do_is_told_apart_from_what_it_does_wrong() -> None:
    def basic(question: dict[str, Any], answer: dict[str, Any]) -> object:
        answer.pop("issuer_class", None)
        return None if question["kind"] == "verify" else {"unsupported": True}

    found = outcomes(await VectorTest(Wrong(basic)).run())
    assert found["ATT-343"] is Outcome.CANNOT_TELL  # it does not say the class
    assert found["ATT-333"] is Outcome.UNTESTED  # everybody has to read documents
    assert found["ATT-371"] is Outcome.INAPPLICABLE  # the header is for Verifier-Full
    assert Outcome.FAILED not in found.values()


# ---------------------------------------------------------------- programs that misbehave


async def test_a_program_that_crashes_at_one_question_is_asked_the_next() -> None:
    program = (
        "import sys\n"
        "from mediaattest.answer import answers\n"
        "for line in sys.stdin:\n"
        "    if 'eyJhbGciOiJub25lI' in line: sys.exit(3)\n"
        "    print(*answers([line]), flush=True)\n"
    )
    async with CommandAnswerer(f'{ECHO} "{program}"') as answerer:
        results = await VectorTest(answerer).run()
    assert failed(results) == {"ATT-306", "ATT-332", "ATT-340", "ATT-377"}
    assert "ended with status 3" in next(one for one in results if one.code == "ATT-332").detail


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; sys.stdin.read()", "no answer within"),
        ("print('hello')", "no JSON"),
        ("print('x' * 3000000)", "longer than"),
        ("", "the command ended"),
    ],
)
async def test_a_program_that_never_answers_is_given_up(program: str, said: str) -> None:
    async with CommandAnswerer(f'{ECHO} "{program}"') as answerer:
        results = await VectorTest(answerer, patience=1.0).run()
    answering = next(one for one in results if one.code == "ATT-332")
    assert said in answering.detail
    assert f"{MOST_SILENT} of {MOST_SILENT}" in answering.detail
    assert outcomes(results)["ATT-354"] is Outcome.UNTESTED


async def test_a_program_that_is_not_there() -> None:
    async with CommandAnswerer("/nowhere/verifier --fast") as answerer:
        with pytest.raises(RemoteError, match="could not be started"):
            await answerer.ask(b"{}", timeout=5)
    with pytest.raises(ValueError, match="no command"):
        CommandAnswerer(" ")
    with pytest.raises(ValueError, match="No closing quotation"):
        CommandAnswerer('"')


async def test_commands_that_are_run_to_their_end() -> None:
    assert await run_command(f'{ECHO} "raise SystemExit(3)"', timeout=20) == 3
    with pytest.raises(RemoteError, match="longer than"):
        await run_command(f'{ECHO} "import time; time.sleep(60)"', timeout=0.5)
    with pytest.raises(RemoteError, match="could not be started"):
        await run_command("/nowhere/rotate", timeout=5)
    with pytest.raises(ValueError, match="no command"):
        await run_command("", timeout=5)


async def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    await VectorTest(Wrong(lambda *_: None), tell=lambda *at: told.append(at)).run()
    assert told[-1] == (len(vectors()), len(vectors()))


# ---------------------------------------------------------------- verifiers that fetch


@asynccontextmanager
async def fetching(
    folder: Path,
    canonicalizer: CanonicalProcesses,
    wrong: Callable[[OwnVerifier], Callable[[bytes], Awaitable[bytes]]] | None = None,
    *,
    patience: float = 4.0,
) -> AsyncIterator[list[Result]]:
    """The results of our own verifier, or of one that is wrong, on a stage."""
    clock, names = SystemClock(), ["localhost"]
    authority, resolver = make_authority(folder, names, clock.now()), LoopbackResolver(names)
    options = StageOptions(
        tls_cert=folder / "localhost.pem",
        ca=authority.ca_file,
        private=(NETWORK,),
        resolver=resolver,
        canonicalizer=canonicalizer,
    )
    pictures = make_pictures("tests")
    async with (
        on_stage(options, "http://localhost", PARTS) as stage,
        trap(pictures.clean(0)) as set_trap,
        GuardedRemote(
            clock=clock,
            user_agent="tests",
            addresses=AddressPolicy(allowed_private=(NETWORK,)),
            ca_file=authority.ca_file,
            resolver=resolver,
        ) as remote,
    ):
        own = OwnVerifier(remote, clock, timeout=patience / 2)
        answer = own.answer if wrong is None else wrong(own)

        class Asked:
            async def ask(self, question: bytes, *, timeout: float) -> bytes:
                return await answer(question)

        yield await LiveTest(Asked(), stage, set_trap, pictures.clean, patience=patience).run()


async def test_our_own_verifier_passes_live(tmp_path: Path, canonicalizer: CanonicalProcesses) -> None:
    async with fetching(tmp_path, canonicalizer) as results:
        pass
    assert [result for result in results if result.outcome is not Outcome.PASSED] == []
    assert {result.code for result in results} == {case.code for case in FETCHING}


async def test_who_trusts_the_address_of_a_picture_is_found_out(
    tmp_path: Path, canonicalizer: CanonicalProcesses
) -> None:
    def careless(own: OwnVerifier) -> Callable[[bytes], Awaitable[bytes]]:
        known: dict[str, bytes] = {}

        async def answer(question: bytes) -> bytes:
            address = json.loads(question)["input"]["object"]
            if address not in known:
                known[address] = await own.answer(question)
            return known[address]

        return answer

    async with fetching(tmp_path, canonicalizer, careless) as results:
        pass
    assert failed(results) == {"ATT-388"}


async def test_who_does_not_fetch_is_not_tested_live(
    tmp_path: Path, canonicalizer: CanonicalProcesses
) -> None:
    async def offline(question: bytes) -> bytes:
        [answer] = answers([question.decode()])
        return answer.encode()

    async with fetching(tmp_path, canonicalizer, lambda _: offline) as results:
        pass
    assert set(outcomes(results).values()) == {Outcome.UNTESTED}


# ---------------------------------------------------------------- at a prompt


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    operator = at_a_prompt(tmp_path, monkeypatch)
    found = operator.ask("lab", "test", "verifier", "--command", OURS)
    assert (found["grade"], found["conforms"], found["role"]) == ("A", True, "verifier")
    assert documented("lab", "test", "verifier")
    assert operator.run("lab", "test", "verifier", "--command", f'{ECHO} "print(1)"', status=1).stdout


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("http://127.0.0.1:1/", "--command", OURS),
        ("--command", '"'),
        ("--command", OURS, "--live"),
    ],
)
def test_wrong_usage(words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_a_prompt(tmp_path, monkeypatch).fail("lab", "test", "verifier", *words, status=2, code="usage")


def test_our_own_verifier_can_be_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    operator = at_a_prompt(tmp_path, monkeypatch)
    asked = b'{"kind": "header", "input": ""}\n?\n{"kind": "object", "input": {"object": "https://127.0.0.1/1"}}\n'
    answered = operator.run("lab", "answer", typed=asked).stdout.splitlines()
    assert [json.loads(line) for line in answered[:2]] == [{"tokens": []}, {"unsupported": True}]
    assert "not a public address" in json.loads(answered[2])["error"]
    operator.fail("lab", "answer", "--allow-private", "everything", status=2, code="usage")
