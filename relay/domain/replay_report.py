"""What a replay found, as plain values: the two sides, and how they differ by verb, rule, server, account, subscriber.

Rows come in the order of how much they weigh; what does not fit into a list is summed beside it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from relay.domain.policy_rules import Mode, Verb


@dataclass(frozen=True, slots=True)
class Side:
    """A policy that was compared, by its `Policy.id` and mode; both None for what was decided then."""

    policy: str | None = None
    mode: Mode | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """How many activities one side gives one verb and the other side another."""

    before: Verb
    after: Verb
    count: int


@dataclass(frozen=True, slots=True)
class RuleChange:
    """How many activities were decided by one rule on one side and by another, or with another verb, on the other."""

    rule_before: str
    before: Verb
    rule_after: str
    after: Verb
    count: int


@dataclass(frozen=True, slots=True)
class ServerChange:
    """What changes for the posts of a server: how many at all, how many are relayed no longer, and how many newly.

    `server` is that of the author.
    """

    server: str
    changed: int
    lost: int
    gained: int


@dataclass(frozen=True, slots=True)
class Others:
    """What changes for the servers, or subscribers, that are not listed: how many these are, and their sums."""

    count: int = 0
    changed: int = 0
    lost: int = 0
    gained: int = 0


@dataclass(frozen=True, slots=True)
class SubscriberChange:
    """How many posts fewer and more a subscriber gets."""

    server: str
    actor: str
    lost: int
    gained: int


@dataclass(frozen=True, slots=True)
class Example:
    """One activity that comes out differently. `received_at` is in seconds since the epoch."""

    object: str
    kind: str
    server: str
    received_at: float
    before: Verb
    rule_before: str
    reason_before: str
    after: Verb
    rule_after: str
    reason_after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How two sides differ on the same activities.

    Of all, `same` come out alike by the same rule, `moved` come out alike by another rule or for another reason,
    `changed` get another verb. `verbs_before` and `verbs_after` count the verbs of each side. `actors` is how many
    accounts wrote what is changed; it and the list of servers end at `replaying.MOST`, and then `at_least` is True.
    """

    same: int
    moved: int
    changed: int
    verbs_before: dict[str, int]
    verbs_after: dict[str, int]
    transitions: tuple[Transition, ...]
    rules: tuple[RuleChange, ...]
    other_rules: int
    servers: tuple[ServerChange, ...]
    other_servers: Others
    actors: int
    at_least: bool
    subscribers: tuple[SubscriberChange, ...]
    other_subscribers: Others
    examples: tuple[Example, ...]

    @property
    def counted(self) -> int:
        """How many activities were compared."""
        return self.same + self.moved + self.changed

    def parts(self) -> dict[str, Any]:
        """The fields of the comparison by name, also of a report that is one."""
        return {field.name: getattr(self, field.name) for field in fields(Comparison)}

    def as_json(self) -> dict[str, object]:
        """The comparison as JSON, with `counted`."""
        return {"counted": self.counted, **{name: _plain(value) for name, value in self.parts().items()}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Comparison):
    """A comparison, and of what. Times are in seconds since the epoch.

    Activities that came from `since` up to `until` were looked at, newest first. When the time for it was up,
    `complete` is False and `reached` tells how far it came: what came from then on is in the report. `facts_since` is
    when the oldest activity came of which there are facts at all, None without any. `unreadable` activities could not
    be compared.
    """

    since: float
    until: float
    reached: float
    complete: bool
    facts_since: float | None
    unreadable: int

    def framed(self) -> dict[str, object]:
        """The frame and the comparison as JSON."""
        frame = {name: getattr(self, name) for name in _FRAME}
        # Not super(): a dataclass with slots is another class than the one that is written here.
        return {**frame, **Comparison.as_json(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayReport(Report):
    """How two policies, or a policy and what was decided, differ.

    The comparison is of what `enforce` does; `in_effect` is of what is really done. The two differ where a side
    observes, or observed: it relays what `enforce` would hold.
    """

    old: Side
    new: Side
    in_effect: Comparison

    def as_json(self) -> dict[str, object]:
        """The report as JSON: both sides, the frame, the comparison, the one of what is really done."""
        sides = {"old": asdict(self.old), "new": asdict(self.new)}
        return {**sides, **self.framed(), "in_effect": self.in_effect.as_json()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserveReport(Report):
    """What `enforce` would have done with what was relayed because the policy observed: before that, and after.

    `observing_since` is when the first activity of the report came, None without one. `acted_on` activities of the same
    time are not in it: there the decision was carried out, because the policy enforced, or because the match was known.
    """

    observing_since: float | None
    acted_on: int

    def as_json(self) -> dict[str, object]:
        """The report as JSON."""
        found: dict[str, object] = {"observing_since": self.observing_since, "acted_on": self.acted_on}
        return found | self.framed()


@dataclass(frozen=True, slots=True)
class ObserveCounts:
    """The same in a few numbers: of so many `posts` since a time, what `enforce` had not relayed; None without one."""

    since: float | None
    posts: int
    held: int
    dropped: int
    deferred: int


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return dict(value)
    return asdict(value) if isinstance(value, Others | _ROWS) else value


_FRAME: Final = tuple(field.name for field in fields(Report) if field.name not in Comparison.__slots__)
_ROWS: Final = Transition | RuleChange | ServerChange | SubscriberChange | Example
