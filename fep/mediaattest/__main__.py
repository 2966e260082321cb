"""`python -m mediaattest verify FILE --actor actor.json --attestation TEXT`: one verification, step by step.

`python -m mediaattest answer` answers questions of the interop lab, line by line (see `answer`).

Exit status: 0 valid, 1 not valid, 2 usage or an unreadable file. The actor of the document given is trusted,
and every list is accepted unless some are named. Functions of the library read no clock; this is a program that
people run, so it verifies for now unless `--now` says otherwise. It is the only module that may.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediaattest.answer import answers
from mediaattest.model import Step, Verdict, Verification
from mediaattest.strict_json import is_members
from mediaattest.verify import verify

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with `argv`, by default the process's, and return its exit status.

    Raises SystemExit with status 2 on wrong usage.
    """
    arguments = _parser().parse_args(argv)
    if arguments.command == "answer":
        for answer in answers(sys.stdin):
            sys.stdout.write(f"{answer}\n")
            sys.stdout.flush()
        return 0
    try:
        media = Path(arguments.file).read_bytes()
        actor = json.loads(Path(arguments.actor).read_bytes())
    except (OSError, ValueError) as problem:
        sys.stderr.write(f"mediaattest: {problem}\n")
        return 2
    if not is_members(actor) or not isinstance(actor.get("id"), str):
        sys.stderr.write(f"mediaattest: {arguments.actor} is not an actor document\n")
        return 2
    result = _verify(arguments, media, actor)
    sys.stdout.write(_report(result))
    return 0 if result.valid else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mediaattest", description="Media Attestation JWT v1")
    commands = parser.add_subparsers(required=True, dest="command")
    commands.add_parser("answer", help="answer questions of the interop lab, line by line")
    command = commands.add_parser("verify", help="verify one attestation")
    command.add_argument("file", metavar="FILE", help="the media, byte for byte as received")
    command.add_argument("--actor", required=True, help="file with the issuer's actor document (JSON)")
    command.add_argument("--attestation", help="the attestation string (data:application/jwt,...)")
    command.add_argument("--hash", help="the hash string that the object declares")
    command.add_argument("--list", action="append", default=[], help="id of an accepted list; default: any")
    command.add_argument(
        "--now", type=int, help="the time to verify for, in seconds since 1970; default: now"
    )
    return parser


def _verify(arguments: argparse.Namespace, media: bytes, actor: dict[str, Any]) -> Verification:
    now = int(datetime.now(UTC).timestamp()) if arguments.now is None else arguments.now

    def against(lists: frozenset[str]) -> Verification:
        return verify(
            arguments.attestation,
            received=media,
            actors={actor["id"]: actor},
            trusted_issuers=frozenset({actor["id"]}),
            accepted_lists=lists,
            now=now,
            declared_hashes=(arguments.hash,) if arguments.hash else (),
        )

    result = against(frozenset(arguments.list))
    if result.step is Step.CHECKS and result.attestation is not None and not arguments.list:
        return against(frozenset(check.list_id for check in result.attestation.checks))
    return result


def _report(result: Verification) -> str:
    lines = [f"{result.verdict}: {result.reason}"]
    for step in Step:
        passed = step < result.step or result.valid
        state = "passed" if passed else "failed" if step == result.step else "not reached"
        lines.append(f"{step:>3}  {state:<12} {step.title}")
    if result.verdict is Verdict.VALID:
        lines.append("This means: checked, no known match. It does not mean: safe.")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
