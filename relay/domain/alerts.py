"""What operators are told without looking: alerts, and the messages that they are summed up in.

An alert holds codes, counts, names that the operator gave, and numbers of our own. It never holds what strangers
wrote or chose: no text, no name of a server or an account, no address of a file, no distance, no list that matched. A
channel may end on a phone's locked screen or in a room of many people.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

LISTED: Final = 20
"""Alerts of one message that are kept one by one; of more only their number is."""
NAMED: Final = 8
"""Alerts with one title that a summary names."""


class AlertKind(StrEnum):
    """What an alert is about; what channels choose from, all but the last two."""

    HOLD = "hold"
    WAVE = "wave"
    INCIDENT = "incident"
    FINDING = "finding"
    CHECKED = "checked"
    RECALL = "recall"
    SUBSCRIBER = "subscriber"
    BLOCKLIST = "blocklist"
    LIST = "list"
    FLOOD = "flood"
    SCANNER = "scanner"
    KEY = "key"
    DELIVERY = "delivery"
    RULE = "rule"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class KindInfo:
    """A kind of alert: what several are about, what it means, the command that shows more."""

    subject: str
    meaning: str
    command: str
    urgent: bool = False


KINDS: Final = {
    AlertKind.HOLD: KindInfo(
        "held posts",
        "The policy held a post, or a hold waits longer than `alerts.holds_wait`.",
        "assay holds list",
        urgent=True,
    ),
    AlertKind.WAVE: KindInfo(
        "spam waves", "A spam wave was noticed, or ended.", "assay waves list", urgent=True
    ),
    AlertKind.INCIDENT: KindInfo(
        "incidents", "An incident was declared, or ended.", "assay incident list", urgent=True
    ),
    AlertKind.FINDING: KindInfo(
        "submitted files",
        "A file that a server submitted to be attested is on a list.",
        "assay submissions list",
        urgent=True,
    ),
    AlertKind.CHECKED: KindInfo(
        "posts that came by web hook",
        "The policy would not relay a post that a server sent by web hook to have it checked.",
        "assay webhooks findings",
        urgent=True,
    ),
    AlertKind.RECALL: KindInfo(
        "recalls",
        "Something that was relayed came onto a list afterwards.",
        "assay recall list",
        urgent=True,
    ),
    AlertKind.SUBSCRIBER: KindInfo(
        "servers that want to subscribe",
        "A server wants to subscribe and waits for approval.",
        "assay subscribers list",
    ),
    AlertKind.BLOCKLIST: KindInfo(
        "lists of servers",
        "A list of servers that others keep could not be read three times in a row, or a sudden change of it waits "
        "for a person.",
        "assay blocks status",
    ),
    AlertKind.LIST: KindInfo(
        "hash lists",
        "Entries were imported into a hash list, or one could not be fetched three times in a row.",
        "assay lists list",
    ),
    AlertKind.FLOOD: KindInfo(
        "entries of hash lists that match everywhere",
        "An entry of a hash list matches in more posts than `hash_lists.flood`, so what it matches is held.",
        "assay lists status",
        urgent=True,
    ),
    AlertKind.SCANNER: KindInfo(
        "scanners",
        "A scanner could not answer for longer than `alerts.scanner_down`, or Cloudflare's tool is not set up.",
        "assay status",
        urgent=True,
    ),
    AlertKind.KEY: KindInfo("keys", "A key of attestations was exchanged or revoked.", "assay keys list"),
    AlertKind.DELIVERY: KindInfo(
        "deliveries",
        "Half of the subscribers or more, and at least three, cannot be reached for an hour.",
        "assay subscribers list",
        urgent=True,
    ),
    AlertKind.RULE: KindInfo(
        "what rules decided",
        "A rule with `tell` decided about a post and did not hold it; only for the channels that it names.",
        "assay status",
    ),
    AlertKind.TEST: KindInfo("nothing", "`assay alerts test`.", "assay alerts list"),
}
"""Every kind, in the order of the reference."""

EVENTS: Final = tuple(kind for kind in AlertKind if kind not in {AlertKind.RULE, AlertKind.TEST})
"""The kinds that a channel chooses from."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that happened. See the top of the module for what it may hold.

    `title` is at most ten words, `text` a sentence or two. `channels` are told whatever kinds they chose. `about` is
    our own name of what it is about: a word and a number, such as `hold 14`, or a name that the operator gave. `at` is
    in seconds since the epoch, None for the time it is noted. What has the same `once` is noted only once, as long as
    messages are kept.
    """

    kind: AlertKind
    title: str
    text: str
    channels: tuple[str, ...] = ()
    about: str = ""
    at: float | None = None
    once: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelRules:
    """A channel as far as it matters for what is sent: its kind, the alerts that it takes.

    At most one message of each kind of alert in `quiet` seconds; what comes meanwhile is summed up in the next.
    """

    name: str
    kind: str
    events: frozenset[AlertKind]
    quiet: float

    def takes(self, alert: Alert) -> bool:
        """Whether an alert is for this channel."""
        return alert.kind in self.events or self.name in alert.channels


class MessageState(StrEnum):
    """What became of a message. `OPEN` takes further alerts; `SEALED` is on its way and stays as it is."""

    OPEN = "open"
    SEALED = "sealed"
    SENT = "sent"
    GIVEN_UP = "given-up"


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent to a channel at once: one alert, or several of one kind.

    `key` is the same at each attempt and of no other message. `count` is the number of alerts; `alerts` are the first
    of them. `sealed_at` is when it was first tried, `attempts` counts this one. Times are since the epoch.
    """

    id: int
    key: str
    channel: str
    kind: AlertKind
    count: int
    alerts: tuple[Alert, ...]
    created_at: float
    sealed_at: float
    attempts: int = 1

    @property
    def title(self) -> str:
        """What it is about, in one line."""
        return (
            self.alerts[0].title
            if self.count == 1
            else f"{self.count:,} alerts about {KINDS[self.kind].subject}"
        )

    @property
    def text(self) -> str:
        """What happened: of several alerts how many of each title, and the first of them by name."""
        if self.count == 1:
            return self.alerts[0].text
        titles = Counter(alert.title for alert in self.alerts)
        lines = [f"{times} x {title}{_named(self.alerts, title)}" for title, times in titles.most_common()]
        rest = self.count - len(self.alerts)
        if rest:
            lines.append(f"and {rest:,} more")
        return "\n".join([*lines, f"See: {KINDS[self.kind].command}"])

    @property
    def urgent(self) -> bool:
        """Whether it should be looked at soon."""
        return KINDS[self.kind].urgent


def _named(alerts: Sequence[Alert], title: str) -> str:
    names = [alert.about for alert in alerts if alert.title == title and alert.about]
    shown = [*names[:NAMED], *(["..."] if len(names) > NAMED else [])]
    return f" ({', '.join(shown)})" if shown else ""


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A message as it is on record. `at` is when it was sent or given up; `due_at` when it is tried next."""

    key: str
    channel: str
    kind: AlertKind
    state: MessageState
    count: int
    title: str
    created_at: float
    due_at: float
    attempts: int
    at: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a channel said to a message. `detail` is for the operator; `retry_after` is in seconds if it was given."""

    accepted: bool
    detail: str
    retry_after: float | None = None
