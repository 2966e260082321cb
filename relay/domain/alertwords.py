"""The alerts of the relay itself, in words. What they may hold: see `relay.domain.alerts`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.domain.alerts import Alert, AlertKind
from relay.domain.policy_rules import Verb

if TYPE_CHECKING:
    from relay.domain.policy import Decision

_DONE: Final = {
    Verb.RELAY: "Relayed",
    Verb.RELAY_AND_ATTEST: "Relayed",
    Verb.RELAY_MARKED: "Relayed",
    Verb.DEFER: "Deferred",
    Verb.QUARANTINE: "Held",
    Verb.DROP: "Dropped",
}


def held(hold: int, decision: Decision) -> Alert:
    """A post waits for a person."""
    by = f'Reason {decision.reason}, rule "{decision.rule}".'
    return Alert(
        AlertKind.HOLD,
        f"Held: {decision.reason}",
        f"Hold {hold} waits for a person. {by} See: assay holds show {hold}",
        decision.tell,
        f"hold {hold}",
    )


def ruled(seq: int, decision: Decision) -> Alert:
    """A rule with `tell` decided about the activity with that number, and did not hold it."""
    done = _DONE[decision.would]
    would = "" if decision.enforced else " It was relayed all the same: the policy only observes."
    return Alert(
        AlertKind.RULE,
        f"{done}: {decision.reason}",
        f'{done} by rule "{decision.rule}", reason {decision.reason}.{would} See: assay why {seq}',
        decision.tell,
        f"activity {seq}",
        once=f"activity {seq} {decision.rule}",
    )


def holds_wait(count: int, hours: float, once: str) -> Alert:
    """So many holds wait for more than so many hours."""
    title = "A hold waits for long" if count == 1 else f"{count:,} holds wait for long"
    text = f"Waiting for more than {hours:g} hours: {count:,}. See: assay holds list"
    return Alert(AlertKind.HOLD, title, text, once=once)


def found(decision: Decision, *, refused: bool = False) -> Alert:
    """A submitted file is on a list; `refused`: a media server asked whether to take it, and was told no."""
    done = "A media server was told not to take it" if refused else "It was not attested"
    text = (
        f"{done}, and whoever submitted it is not told why. Reason {decision.reason}. "
        "See: assay submissions list"
    )
    return Alert(AlertKind.FINDING, f"A submitted file is on a list: {decision.reason}", text, decision.tell)


def checked(sender: str, decision: Decision, once: str) -> Alert:
    """The policy would not relay a post that came by web hook. `sender` is the name that the operator gave."""
    by = f'Reason {decision.reason}, rule "{decision.rule}".'
    return Alert(
        AlertKind.CHECKED,
        f"A post that came by web hook: {decision.reason}",
        f"It is on its own server, and was not relayed. {by} See: assay webhooks findings",
        decision.tell,
        f"web hook {sender}",
        once=once,
    )


def subscriber_waits(number: int) -> Alert:
    """A server wants to subscribe. Its name is not told: it may be an insult."""
    text = f"Subscription {number} waits for approval. See: assay subscribers show {number}"
    return Alert(AlertKind.SUBSCRIBER, "A server wants to subscribe", text, about=f"subscription {number}")


def list_fails(name: str, failures: int, code: str) -> Alert:
    """A list of servers cannot be read."""
    text = (
        f'"{name}" could not be read {failures} times in a row: {code}. What is in force stays. '
        "See: assay blocks status"
    )
    return Alert(AlertKind.BLOCKLIST, "A list of servers cannot be read", text, about=f"list {name}")


def list_waits(name: str, batch: int, gained: int, lost: int) -> Alert:
    """A sudden change of a list of servers waits for a person."""
    text = (
        f'"{name}" would gain {gained:,} and lose {lost:,} servers: that is suddenly much, so it waits for you. '
        f"See: assay blocks preview {batch}"
    )
    return Alert(AlertKind.BLOCKLIST, "A change of a list of servers waits", text, about=f"batch {batch}")


def list_grew(name: str, added: int, who: str) -> Alert:
    """Somebody imported entries into a hash list."""
    text = f'"{name}": {added:,} new entries, imported by {who}. See: assay lists list'
    return Alert(AlertKind.LIST, "A hash list grew", text, about=f"list {name}")


def list_floods(posts: int, most: str, once: str) -> Alert:
    """An entry of a hash list matches in more posts than `most`, a rate in words. Neither is named: it is a match."""
    text = (
        f"It matched in {posts:,} posts, more than {most}, and may be wrong. Until that ends what it matches is held, "
        "where the policy would drop it. See: assay lists status"
    )
    return Alert(AlertKind.FLOOD, "An entry of a hash list matches everywhere", text, once=once)


def hashes_came(name: str, now: float) -> Alert:
    """Somebody handed in hashes of their own pictures; said once an hour."""
    text = f'For the list "{name}". See: assay hashes list'
    return Alert(
        AlertKind.LIST,
        "Somebody handed in hashes",
        text,
        about=f"list {name}",
        once=f"hashes {name} {now // 3600:.0f}",
    )


def recalled(number: int, *, waits: bool) -> Alert:
    """Something that was relayed came onto a list. Neither what nor which list is told."""
    what = "waits for you" if waits else "tells servers by itself soon"
    text = f"It does not go out any more. The recall {what}. See: assay recall show {number}"
    return Alert(
        AlertKind.RECALL, "Something that was relayed came onto a list", text, about=f"recall {number}"
    )


def sync_fails(name: str, failures: int, code: str) -> Alert:
    """A hash list cannot be fetched from its keeper."""
    text = (
        f'"{name}" could not be fetched {failures} times in a row: {code}. What is in force stays, and gets older. '
        "See: assay lists status"
    )
    return Alert(AlertKind.LIST, "A hash list cannot be fetched", text, about=f"list {name}")


def tool_fails(name: str, problems: int) -> Alert:
    """What stands before the relay is not set up as it should be."""
    count = "1 thing is wrong" if problems == 1 else f"{problems} things are wrong"
    text = f'"{name}" does not do what it is there for: {count}. See: assay status'
    return Alert(AlertKind.SCANNER, "A scanning tool is not set up", text, about=f"tool {name}")


def scanner_down(name: str, since: float, minutes: int) -> Alert:
    """A scanner does not answer."""
    text = (
        f'"{name}" could not answer for {minutes} minutes. What it should look at follows `on_scanner_error`. '
        "See: assay status"
    )
    about, title = f"scanner {name}", "A scanner does not answer"
    return Alert(AlertKind.SCANNER, title, text, about=about, once=f"{about} {since:.0f}")


def key_rotated(name: str, who: str) -> Alert:
    """A new key signs attestations."""
    text = f"{name} signs attestations from now on, as {who} wished. See: assay keys list"
    return Alert(AlertKind.KEY, "A new attestation key", text, about=f"key {name}")


def key_revoked(name: str, retracted: int, who: str) -> Alert:
    """A key of attestations was revoked."""
    text = f"{name} was revoked by {who}; {retracted:,} attestations are retracted. See: assay keys list"
    return Alert(AlertKind.KEY, "An attestation key was revoked", text, about=f"key {name}")


def unreachable(count: int, served: int, once: str) -> Alert:
    """Many subscribers cannot be reached at the same time: mostly our own network."""
    text = (
        f"{count:,} of {served:,} subscribers cannot be reached for an hour. Nothing is lost yet: they catch up within "
        "`federation.retention`. See: assay subscribers list"
    )
    return Alert(AlertKind.DELIVERY, "Many subscribers cannot be reached", text, once=once)


def trial(channel: str) -> Alert:
    """What `assay alerts test` sends."""
    text = f"This is a test of the channel {channel}. Nothing happened. See: assay alerts list"
    return Alert(AlertKind.TEST, "A test alert", text)
