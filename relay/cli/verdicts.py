"""Showing what came of attestations, step by step, to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from relay.cli.output import pairs, say

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORDS: Final = {
    "passed": "passed",
    "failed": "FAILED",
    "assumed": "assumed: not trusted by this relay's configuration",
    "unchecked": "not checked",
    "not-reached": "not reached",
}


def show(told: Mapping[str, Any]) -> None:
    """Print one verdict."""
    say(f"{told['where']}: {told['verdict']}", bold=True)
    say(told["reason"])
    width = max(len(step["title"]) for step in told["steps"])
    for step in told["steps"]:
        say(f"{step['step']:>3}  {step['title'].ljust(width)}  {_WORDS[step['state']]}")
    show_statement(told)


def show_statement(told: Mapping[str, Any]) -> None:
    """Print what one attestation states, and what it does not."""
    rows = {"Issuer": told["issuer"], "Key": told["key"], "Hash": told["hash"]}
    if told["checks"]:
        rows["Checked"] = "\n".join(
            f"{check['algorithm']} against {check['list']}" for check in told["checks"]
        )
        rows["Issued"] = told["issued_at"]
        rows["Ends"] = told["expires_at"]
    pairs({label: value for label, value in rows.items() if value})
    if told["valid"]:
        say("It states: checked, no known match. It does not state: safe.")
    if told["valid"] and not told["bytes_checked"]:
        say("The bytes were not at hand: give them with --media FILE to check that it is about them.")
