"""`assay policy`: the policy in sentences, its examples, and what it would do with facts of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli import sentences
from relay.cli.command import Command, answered
from relay.cli.output import as_document, say
from relay.cli.policy_apply import apply, undo
from relay.cli.policy_versions import diff, history
from relay.cli.session import Session, pass_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.config.examples import ExampleRun
    from relay.config.policy import PolicyReading
    from relay.domain.policy import Decision, Policy

FILE = click.argument(
    "file", metavar="FILE", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)

EXPLAINED: Final = {
    "policy": "id of the policy: its version and a hash of everything in it",
    "paragraphs[]": "one object each, in the order in which the policy decides:",
    "heading": "what the sentences are about",
    "numbered": "whether their order decides",
    "lines": "the sentences",
}
TRIED: Final = {
    "policy": "id of the policy",
    "examples[]": "one object each (without --given):",
    "given": "the facts, as written",
    "expected": "the action that was expected",
    "decided, rule, reason": "what the policy does in enforce, by which rule, under which reason code",
    "problem": "how it came out differently, or null",
    "facts, decision": "with --given: all facts, and the decision with its trace",
}


@click.group()
def policy() -> None:
    """Read the policy aloud, try it, change it and take changes back."""


for _command in (apply, undo, diff, history):
    policy.add_command(_command)


@policy.command("explain", cls=Command, answer=EXPLAINED)
@FILE
@pass_session
def explain(session: Session, file: Path | None) -> None:
    """Read the whole policy aloud, in sentences.

    FILE is a policy in a file of its own; without it the policy of the configuration is read, presets included.
    """
    from relay.domain.blocklist import POLICY_PREFIX
    from relay.domain.english import explain as told

    reading, read = _read(session, file, whole=True)
    elsewhere = {one.name.removeprefix(POLICY_PREFIX) for one in reading.sources}
    paragraphs = told(read, elsewhere)
    if session.as_json:
        rows = [
            {"heading": one.heading, "numbered": one.numbered, "lines": list(one.lines)} for one in paragraphs
        ]
        as_document({"policy": read.id, "paragraphs": rows})
        return
    for place, paragraph in enumerate(paragraphs):
        if place:
            say()
        say(f"{paragraph.heading}:", bold=True)
        for number, line in enumerate(paragraph.lines, 1):
            say(f"  {number}. {line}" if paragraph.numbered else f"  {line}")


@policy.command("test", cls=Command, answer=TRIED)
@FILE
@click.option(
    "--given",
    metavar="FACTS",
    help="Decide these facts instead, such as '{media: image, match: near}', and say why.",
)
@pass_session
def test(session: Session, file: Path | None, given: str | None) -> None:
    """Try the examples of the policy, or facts of your own.

    FILE is a policy in a file of its own; without it the policy of the configuration is tried. Exit status 1:
    an example comes out differently.
    """
    reading, read = _read(session, file, whole=False)
    if given is None:
        _show_examples(session, reading.examples, read)
    else:
        _show_given(session, reading, read, given)


def _read(session: Session, file: Path | None, *, whole: bool) -> tuple[PolicyReading, Policy]:
    """Return the policy. Raises `InvalidConfiguration`, when `whole` also for an example that comes out differently."""
    from relay.adapters.system import SystemClock
    from relay.config.load import InvalidConfiguration
    from relay.config.policy_file import load_policy

    loaded = session.load() if file is None else load_policy(file, SystemClock().now())
    reading = loaded.reading
    read = None if reading is None else reading.policy if whole else reading.draft
    if reading is None or read is None:
        raise InvalidConfiguration(loaded.diagnostics)
    return reading, read


def _show_examples(session: Session, examples: Sequence[ExampleRun], read: Policy) -> None:
    failed = sum(one.problem is not None for one in examples)
    if session.as_json:
        as_document({"policy": read.id, "examples": [_row(one) for one in examples]})
    elif not examples:
        say("The policy has no examples: write some under `examples`, or try --given.")
    else:
        for one in examples:
            mark = "ok    " if one.problem is None else "FAILED"
            say(f'{mark}  {one.given or "nothing"}: {one.decision.would} by "{one.decision.rule}"')
            if one.problem is not None:
                say(f"        line {one.span.line}: {one.problem}")
        say(f"{len(examples) - failed} as expected, {failed} not.")
    answered(yes=not failed)


def _row(one: ExampleRun) -> dict[str, Any]:
    decision = one.decision
    return {
        "given": one.given,
        "expected": one.expected,
        "decided": decision.would.value,
        "rule": decision.rule,
        "reason": decision.reason,
        "problem": one.problem,
    }


def _show_given(session: Session, reading: PolicyReading, read: Policy, given: str) -> None:
    from relay.adapters.system import SystemClock
    from relay.config.load import InvalidConfiguration
    from relay.domain.policy import decide

    facts, wrong = reading.reader.given(given)
    if facts is None:
        raise InvalidConfiguration(wrong)
    decision = decide(read, facts, SystemClock().now())
    if session.as_json:
        document = {"policy": read.id, "facts": facts.as_json(), "decision": decision.as_json()}
        as_document(document)
        return
    for sentence in sentences.decision(_told(decision, facts.as_json()), read):
        say(sentence)


def _told(decision: Decision, facts: dict[str, object]) -> dict[str, Any]:
    return {
        "trace": [step.as_json() for step in decision.trace],
        "rule": decision.rule,
        "reason": decision.reason,
        "verb": decision.would.value,
        "effective": decision.verb.value,
        "policy": decision.policy,
        "facts": facts,
    }
