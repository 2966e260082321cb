"""What all parts of the test share: the stage, the relay that was found, and the results so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from relay.domain.lab.cases.carrier import CARRIER
from relay.domain.lab.model import Evidence, Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from relay.services.lab.carrier.posts import Pictures, Post
    from relay.services.lab.house import Arrival, House
    from relay.services.lab.stage import Stage

HOSTILE: Final = 250
"""From this number on cases are tried in hostile mode only."""
SHOWN: Final = 4000
"""Characters of a request that are kept as evidence."""
_POSTED: Final = frozenset({"Create", "Announce"})


@dataclass(frozen=True, slots=True)
class RelayFound:
    """The relay that is tested. `document` is its actor; `claims` whether it says that it keeps to the profile."""

    id: str
    inbox: str
    document: Mapping[str, object]
    claims: bool


@dataclass
class Scene:
    """One run. `author` posts, `mastodon` and `litepub` subscribe, each in its dialect.

    `patience` in seconds for each thing that should happen; after `quiet` seconds without a delivery what has not
    come is taken not to come. `told` hears of each result as it comes.
    """

    stage: Stage
    author: House
    mastodon: House
    litepub: House
    pictures: Pictures
    patience: float
    quiet: float
    hostile: bool
    told: Callable[[Result], None]
    results: list[Result] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    forwarded: list[tuple[Post, Arrival]] = field(default_factory=list)
    """Changes and deletions that came, with what was delivered."""
    subscribed: set[str] = field(default_factory=set)
    """Hosts whose Follow was accepted."""

    def note(
        self,
        number: int,
        outcome: Outcome,
        detail: str,
        *,
        subject: str = "",
        explanation: str | None = None,
        evidence: Sequence[Evidence] = (),
    ) -> None:
        """Put a result on record."""
        result = Result(f"ATT-{number}", outcome, detail, subject, explanation, tuple(evidence))
        self.results.append(result)
        self.told(result)

    def judge(self, number: int, faults: Sequence[str], good: str, **more: str | Sequence[Evidence]) -> None:
        """Put on record that a case passed, or the first of its faults and how many there are."""
        if not faults:
            self.note(number, Outcome.PASSED, good, subject=str(more.get("subject", "")))
            return
        rest = f" And {len(faults) - 1} more." if len(faults) > 1 else ""
        evidence = more.get("evidence", ())
        self.note(
            number,
            Outcome.FAILED,
            f"{faults[0]}{rest}",
            subject=str(more.get("subject", "")),
            evidence=() if isinstance(evidence, str) else evidence,
        )

    def fill(self, outcome: Outcome, detail: str) -> None:
        """Put on record what was not come to."""
        known = {result.code for result in self.results}
        for case in CARRIER:
            if case.code not in known and (self.hostile or int(case.code[4:]) < HOSTILE):
                self.note(int(case.code[4:]), outcome, detail)

    @property
    def subscribers(self) -> dict[str, House]:
        """The houses that receive, by dialect."""
        both = {"mastodon": self.mastodon, "litepub": self.litepub}
        return {name: house for name, house in both.items() if house.host in self.subscribed}

    # ------------------------------------------------------------------ what came of a post

    def seen(self, house: House, post: Post, kinds: frozenset[str] = _POSTED) -> list[Arrival]:
        """Return the deliveries of a post to a house that were taken, forwarded or announced."""
        return [one for one in house.came() if _is_about(one, post, kinds)]

    async def arrived(self, posts: Iterable[Post], houses: Iterable[House]) -> bool:
        """Wait until each of the posts has come to each of the houses; return whether they have."""
        wanted = [(house, post) for house in houses for post in posts]
        return await self.stage.until(lambda: all(self.seen(*one) for one in wanted), self.patience)

    async def settle(self) -> None:
        """Wait until nothing more comes."""
        await self.stage.quiet(self.quiet, self.patience)


def _is_about(arrival: Arrival, post: Post, kinds: frozenset[str]) -> bool:
    activity = arrival.activity
    if activity is None or activity.type not in kinds:
        return False
    # Some announce the activity in place of the object; that it came is one question, how it came another.
    named = {activity.object_id}
    return not named.isdisjoint({post.id, post.activity_id}) or activity.id == post.activity_id


def is_announce(arrival: Arrival) -> bool:
    """Whether a delivery is the relay's own word about a post."""
    return arrival.activity is not None and arrival.activity.type == "Announce"


def shown(arrival: Arrival) -> Evidence:
    """Return a delivery as evidence."""
    head = "\n".join(f"{name}: {value}" for name, value in arrival.headers)
    body = arrival.body.decode("utf-8", "replace")
    return Evidence("delivery", f"POST {arrival.path}\n{head}\n\n{body}"[:SHOWN])
