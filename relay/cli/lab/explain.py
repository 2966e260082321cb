"""`assay lab explain`: what a code means, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli.command import Command
from relay.cli.output import as_document, pairs, say
from relay.cli.problems import Problem, Status
from relay.cli.session import Session, pass_session

if TYPE_CHECKING:
    from relay.protocol.lab.explaining import Explained

ANSWER: Final = {
    "code": "the code; without CODE only `codes`: every code with its title",
    "title": "what it is about",
    "meaning": "what it means",
    "advice": "what to do",
    "clauses[]": "id, level, statement, url: the words of the profile",
    "related": "further codes",
    "fails, passes": "name, says, document, header, now of a sample; or null",
}


@click.command(cls=Command, answer=ANSWER)
@click.argument("code", metavar="CODE", required=False)
@click.option("--example", is_flag=True, help="Print a document that fails and one that passes, too.")
@pass_session
def explain(session: Session, code: str | None, *, example: bool) -> None:
    """Explain an outcome, a case or a statement of the profile.

    CODE is what `assay lab verify` and reports name: malformed-grammar, ATT-021, P-01. Without CODE all are listed.
    """
    from relay.protocol.lab.explaining import explain as explained
    from relay.protocol.lab.explaining import titles

    if code is None:
        if session.as_json:
            as_document({"codes": dict(titles())})
        else:
            pairs(titles())
        return
    found = explained(code)
    if found is None:
        raise Problem(_unknown(code), code="unknown-code", status=Status.NO)
    if session.as_json:
        as_document(_told(found))
    else:
        _show(found, example=example)


def _unknown(code: str) -> str:
    """Say that there is no such code, and which ones may be meant: a verdict has one for each step."""
    from relay.config.diagnostics import guess
    from relay.protocol.lab.explaining import titles

    begun = [known for known in titles() if known.startswith(f"{code}-")]
    meant = begun or [known for known in [guess(code, titles())] if known]
    return f"There is no code {code}." + (f" Did you mean {' or '.join(meant)}?" if meant else "")


def _told(found: Explained) -> dict[str, Any]:
    clauses = [
        {"id": one.id, "level": one.level.value, "statement": one.statement, "url": one.url}
        for one in found.clauses
    ]
    return {
        "code": found.code,
        "title": found.title,
        "meaning": found.meaning,
        "advice": found.advice,
        "clauses": clauses,
        "related": list(found.related),
        "fails": asdict(found.fails) if found.fails else None,
        "passes": asdict(found.passes) if found.passes else None,
    }


def _show(found: Explained, *, example: bool) -> None:
    say(f"{found.code}: {found.title}", bold=True)
    say(found.meaning)
    say(f"What to do: {found.advice}")
    for clause in found.clauses:
        say()
        say(f"{clause.id}  {clause.statement}")
        say(f"      {clause.url}")
    if found.related:
        say()
        say(f"See also: {', '.join(found.related)}")
    for label, one in (("Fails", found.fails), ("Passes", found.passes)):
        if example and one is not None:
            say()
            say(f"{label}: {one.says} (sample {one.name})", bold=True)
            say(one.document)
            if one.header is not None:
                say(f"Media-Attestation: {one.header}")
