"""Reads actions: `relay`, `quarantine`, `defer 10 minutes`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.config.diagnostics import guess
from relay.config.document import Scalar
from relay.config.quantities import read_duration
from relay.domain.policy import Action, Verb

if TYPE_CHECKING:
    from relay.config.diagnostics import Findings
    from relay.config.document import Node

_MEANT: Final = {
    **dict.fromkeys(
        ("delete", "block", "reject", "discard", "ignore", "refuse", "deny", "suspend"), Verb.DROP
    ),
    **dict.fromkeys(("hold", "review", "filter", "flag", "silence"), Verb.QUARANTINE),
    **dict.fromkeys(("allow", "accept", "pass", "publish", "forward", "send", "boost"), Verb.RELAY),
    **dict.fromkeys(("attest", "sign"), Verb.RELAY_AND_ATTEST),
    **dict.fromkeys(("mark", "warn"), Verb.RELAY_MARKED),
    **dict.fromkeys(("wait", "delay", "postpone", "retry"), Verb.DEFER),
}
"""Words of other software for the same: for messages, never understood silently."""

MAX_DEFER: Final = 7 * 86400
"""Longest `defer`, in seconds: senders and readers have moved on after a week."""


def read_action(node: Node, path: str, findings: Findings) -> Action | None:
    """The action that `node` names, or None after an error has been added."""
    text = " ".join(node.text.split()) if isinstance(node, Scalar) else ""
    verb, _, rest = text.partition(" ")
    if verb not in list(Verb) or (rest and verb != Verb.DEFER):
        close = _MEANT.get(verb.lower()) or guess(text, Verb)
        fix = "" if close else f"Actions are: {', '.join(Verb)}."
        cause = f'unknown action "{text}"' if text else "an action is needed here"
        findings.error("P105", path, node.span, cause, fix=fix, guess=close)
        return None
    return _defer(rest, node, path, findings) if verb == Verb.DEFER else Action(Verb(verb))


def _defer(rest: str, node: Node, path: str, findings: Findings) -> Action | None:
    try:
        seconds = round(read_duration(rest).total_seconds())
    except ValueError:
        seconds = 0
    if not 1 <= seconds <= MAX_DEFER:
        cause = (
            '"defer" does not say how long' if not rest else f'"{rest}" is not a time from 1 second to 7 days'
        )
        findings.error("P206", path, node.span, cause, fix='Write for example "defer 10 minutes"')
        return None
    return Action(Verb.DEFER, seconds)
