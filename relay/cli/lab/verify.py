"""`assay lab verify`: every attestation of a document step by step, and every rule about the document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from relay import __version__
from relay.cli.command import Command
from relay.cli.lab.showing import show, show_grade, show_result
from relay.cli.media import is_address, read_file
from relay.cli.output import as_document, say
from relay.cli.problems import Problem, Status
from relay.cli.session import Session, pass_session
from relay.cli.verify import LARGEST, json_object
from relay.domain import strictjson
from relay.domain.errors import Malformed
from relay.domain.lab.model import Outcome
from relay.protocol.lab.rendering import FORMATS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.lab.model import Run
    from relay.protocol.lab.documents import Examination
    from relay.protocol.lab.rendering import Format
    from relay.services.lab.documents import Asked, Documents
    from relay.wiring import Relay

ANSWER: Final = {
    "target": "what was verified",
    "valid": "whether there is an attestation and every one is valid",
    "grade, conforms": "what the document is worth; whether no MUST is broken and each could be looked at",
    "media[]": "where, url, hashes, attestations of each medium",
    "attestations[]": "one object each:",
    "where": "where in the document it stands, or `header[0]`",
    "valid, verdict, temporary, reason": "what came of it; `temporary`: later may be different",
    "code, clause, meaning, advice": "the outcome (`assay lab explain CODE`), and what to do",
    "issuer, key, hash": "what it claims, even if the signature is wrong; or null",
    "trusted_here, test": "whether --trust names the issuer; whether it names the lab's test list only",
    "bytes_checked": "whether the bytes were at hand",
    "issued_at, expires_at, checks, medium": "what it states, when the signature is good",
    "attestation, declared, header, claims": "the text, the hashes beside it, and what the token holds",
    "steps[]": "step, title, state, case, clause",
    "results[]": "case, title, level, clauses, subject, outcome, detail",
}
_COLOURS: Final = {"passed": "green", "failed": "red", "assumed": "yellow"}
_WORDS: Final = {
    "passed": "passed",
    "failed": "FAILED",
    "assumed": "assumed",
    "unchecked": "not checked",
    "not-reached": "not reached",
}
_SHOWN: Final = frozenset({Outcome.FAILED, Outcome.CANNOT_TELL})
_STEPS: Final = 11
"""Cases ATT-001 to ATT-011 are the steps, which are shown with each attestation."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for, as it was given."""

    file: str
    keys: tuple[str, ...]
    media: tuple[str, ...]
    header: str | None
    trust: tuple[str, ...]
    lists: tuple[str, ...]
    now: float | None
    offline: bool


@click.command(cls=Command, answer=ANSWER)
@click.argument("file", metavar="FILE|URL|-")
@click.option(
    "--keys", multiple=True, metavar="FILE", help="An actor document; repeatable. Nothing is fetched then."
)
@click.option(
    "--media",
    multiple=True,
    metavar="FILE",
    help="Bytes of a medium, named as its URL ends; repeatable. Otherwise they are fetched.",
)
@click.option("--header", metavar="VALUE", help="The header field Media-Attestation of the delivery.")
@click.option(
    "--trust", multiple=True, metavar="ISSUER", help="Believe these issuers only: ids or servers; repeatable."
)
@click.option(
    "--list", "lists", multiple=True, metavar="ID", help="A list that must have been checked; repeatable."
)
@click.option("--now", metavar="TIME", help="Verify as of this time: RFC 3339, or seconds since 1970.")
@click.option(
    "--format", "to", type=click.Choice(("text", *FORMATS)), default="text", help="How to print it."
)
@click.option("--offline", is_flag=True, help="Fetch nothing, also without --keys.")
@click.option("--strict", is_flag=True, help="Count as failed what merely should be otherwise.")
@pass_session
def verify(
    session: Session,
    file: str,
    keys: tuple[str, ...],
    media: tuple[str, ...],
    header: str | None,
    trust: tuple[str, ...],
    lists: tuple[str, ...],
    now: str | None,
    to: str,
    *,
    offline: bool,
    strict: bool,
) -> None:
    """Verify every attestation in an activity or object, step by step.

    Also looks at the document around them: terms, JSON-LD, places, signatures. The issuer is believed unless
    --trust says otherwise. With --keys nothing but the document is fetched. Exit status 1 when something that must be
    so is not, 69 when a key or a medium could not be had.
    """
    options = Options(
        file, keys, media, header, trust, lists, None if now is None else moment(now), offline or bool(keys)
    )
    found, run = session.run(_verify(session, options))
    if session.as_json:
        from relay.protocol.lab.telling import answer

        as_document(answer(found, run))
    elif to != "text":
        chosen: Format = to  # type: ignore[assignment] # click.Choice saw to it
        show(run, chosen)
    else:
        _show(found, run)
    click.get_current_context().exit(_status(found, run, strict=strict))


def moment(text: str) -> float:
    """Return a time in seconds since 1970. Raises `BadParameter`."""
    from relay.protocol.ldsig import moment as parsed

    found = float(text) if text.isdecimal() else parsed(text)
    if found is None:
        message = (
            f"{text} is neither a time with a zone, such as 2026-11-21T22:00:00Z, nor seconds since 1970"
        )
        raise click.BadParameter(message, param_hint="--now")
    return found


async def _verify(session: Session, options: Options) -> tuple[Examination, Run]:
    from relay.wiring.documents import open_documents

    if options.offline and not is_address(options.file):
        async with open_documents() as documents:
            return await _examine(documents, options, _parsed(options.file, read_file(options.file, LARGEST)))
    async with session.fetching() as relay, open_documents(None if options.offline else relay) as documents:
        return await _examine(documents, options, await _document(options.file, relay))


async def _examine(documents: Documents, options: Options, document: object) -> tuple[Examination, Run]:
    from relay.adapters.system import SystemClock

    clock = SystemClock()
    started = clock.now()
    found = await documents.examine(_asked(options, document))
    words = [
        f"as of {options.now:.0f}" if options.now is not None else "",
        "offline" if options.offline else "",
    ]
    run = found.run(
        options.file,
        started=started,
        finished=clock.now(),
        tester=f"Assay {__version__}",
        options=[word for word in words if word],
    )
    return found, run


def _asked(options: Options, document: object) -> Asked:
    from pathlib import Path

    from mediaattest import digest_of
    from relay.services.lab.documents import Asked

    return Asked(
        document=document,
        header=options.header,
        actors=dict(_actor(name) for name in options.keys),
        files=[(Path(name).name, digest_of(read_file(name, LARGEST))) for name in options.media],
        trusted=frozenset(options.trust),
        strict=bool(options.trust),
        lists=frozenset(options.lists) or None,
        now=None if options.now is None else int(options.now),
    )


def _actor(name: str) -> tuple[str, dict[str, Any]]:
    document = json_object(read_file(name, LARGEST))
    if document is None or not isinstance(document.get("id"), str):
        raise Problem(
            f"{name} is not an actor document (JSON with an id)", code="bad-actor", status=Status.NO
        )
    return document["id"], document


def _parsed(name: str, content: bytes) -> object:
    try:
        document = strictjson.loads(content)
    except Malformed as error:
        raise Problem(f"{name}: {error}", code=error.code, status=Status.NO) from error
    if not isinstance(document, dict | list):
        raise Problem(f"{name} is neither a JSON object nor an array", code="not-an-object", status=Status.NO)
    return document


async def _document(place: str, relay: Relay) -> object:
    if is_address(place):
        return await relay.fetcher.document(place)
    return _parsed(place, read_file(place, LARGEST))


def _status(found: Examination, run: Run, *, strict: bool) -> Status:
    """Return the exit status: what failed counts before what could not be had."""
    from relay.protocol.lab.words import Mark, mark

    marks = {mark(result) for result in run.results if result.outcome is Outcome.FAILED}
    if Mark.BAD in marks or (strict and _should_failed(run)):
        return Status.NO
    return Status.UNAVAILABLE if found.temporary else Status.DONE


def _should_failed(run: Run) -> bool:
    from relay.domain.lab.cases import CASES
    from relay.domain.lab.model import Level

    return any(
        result.outcome is Outcome.FAILED and CASES[result.code].level is Level.SHOULD
        for result in run.results
    )


def _show(found: Examination, run: Run) -> None:
    from relay.cli.verdicts import show_statement
    from relay.protocol.lab.telling import told_in_full

    for one in found.examined:
        told = told_in_full(one)
        say(f"{told['where']}: {told['verdict']}", bold=True)
        say(told["reason"])
        _show_steps(told)
        show_statement(told)
        if not one.result.valid:
            say(f"Meaning: {told['meaning']}")
            say(f"What to do: {told['advice']}")
        say()
    for result in run.results:
        is_step = int(result.code.removeprefix("ATT-")) <= _STEPS and bool(found.examined)
        if result.outcome in _SHOWN and not is_step:
            show_result(result)
    show_grade(run)


def _show_steps(told: Mapping[str, Any]) -> None:
    from relay.protocol.documents import PROFILE

    width = max(len(step["title"]) for step in told["steps"])
    for step in told["steps"]:
        state = step["state"]
        word = click.style(_WORDS[state].ljust(11), fg=_COLOURS.get(state), bold=state == "failed")
        clause = told["clause"] if state == "failed" else step["clause"]
        link = f"  {PROFILE}#{clause}" if state == "failed" else ""
        click.echo(f"{step['step']:>3}  {step['title'].ljust(width)}  {word}  [{clause}]{link}")
