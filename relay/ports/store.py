"""The durable state, as the services see it.

A write transaction that returns is on disk; one that raises changed nothing. Write transactions are serial.
Work is a row with a due time: taking it moves the time into the future, so the work of a process that died
falls due again by itself. While a task is inside a transaction `Remote` refuses to run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from relay.domain.intake import Hold, Incoming, Item, Letter, Settled, StoredKey, Work
    from relay.domain.log import HoldState, LongHeld
    from relay.domain.subscriber_profile import SubscriberProfile
    from relay.domain.subscription import Back, Dialect, State, Subscription, Upstream
    from relay.ports.admins import Admins
    from relay.ports.alerts import AlertBox
    from relay.ports.brakes import Brakes
    from relay.ports.fanout import Fanout
    from relay.ports.hashlists import HashLists
    from relay.ports.hashservices import HashServices
    from relay.ports.history import History
    from relay.ports.labstore import Lab
    from relay.ports.leases import Leases
    from relay.ports.listings import Listings
    from relay.ports.logins import Logins
    from relay.ports.media import Media
    from relay.ports.moderation import Blocking, Servers
    from relay.ports.policy import PolicyVersions, Reloads
    from relay.ports.recall import Recalls
    from relay.ports.service import KeyRecords, StatusIndexes, Submissions
    from relay.ports.shares import Shares
    from relay.ports.webhooks import Webhooks

    Row = Mapping[str, object]


class Activities(Protocol):
    """Received activities, decisions about them, and holds."""

    async def receive(self, batch: Sequence[tuple[Incoming, Settled | None]]) -> list[int | None]:
        """Store those whose keys are all new, with their decision if there is one; None for each repeat.

        An activity without a decision becomes work for screening. Keys of repeats are not remembered anew.
        """

    async def claim(self, *, now: float, until: float, most: int) -> list[Work]:
        """Take work that is due, oldest first."""

    async def keep(self, work: Work, until: float) -> None:
        """Keep work that was claimed until another time; nothing when it is settled or somebody else's by now."""

    async def next_due(self) -> float | None:
        """When the next work falls due."""

    async def waiting(self) -> int:
        """How many activities wait for screening."""

    async def settle(
        self, seq: int, settled: Settled, items: Sequence[Item], *, attempt: int | None = None
    ) -> bool:
        """Write a decision and everything that goes with it.

        False, and nothing is written, when the object was withdrawn, or changed or taken anew since the work of
        this `attempt` was claimed: a decision about an older version must not publish a newer one. Also when the
        object that it turned out to be `about` was relayed or deleted before.
        """

    async def postpone(self, seq: int, due_at: float) -> None:
        """Look at the activity again at a time, without a decision."""

    async def about(self, text: str) -> list[Row]:
        """Return the activities by number, own id or object id, newest first.

        Each with its `decisions`, its `media`, its `hold` (None when it was never held), `published_at`, None for what
        is not in the log (any more), and whether its own server `deleted` the object.
        """

    async def withdraw(self, object_id: str, at: float, *, whole_actor: bool = False) -> set[str]:
        """Purge an object that its own server deleted: work, holds, log entries, text and media lines.

        `whole_actor`: the object is an actor that deleted itself, so everything of it goes. Returns the ids of the
        objects that are gone.
        """

    async def take_back(self, actor: str) -> set[str]:
        """Deliver no more of what an actor published; return the ids of its objects."""

    async def remember(self, keys: Sequence[str], at: float) -> None:
        """Keep out what has one of these keys, as long as the log is kept."""

    async def renew(self, object_id: str, body: bytes, now: float) -> bool:
        """Screen an object anew that its own server changed before it was published; False when there is none.

        It loses its proof: the bytes that came first are no longer what is meant. An older change of it that
        still waits is forgotten.
        """

    async def hold(self, hold_id: int) -> Hold | None:
        """Return one hold."""

    async def holds(self, state: HoldState, most: int) -> list[Hold]:
        """Return the newest holds in a state."""

    async def open_hold_of(self, seq: int) -> int | None:
        """Return the number of the open hold of an activity."""

    async def long_held(self, before: float) -> LongHeld | None:
        """Return what is held since before a time; None when nothing is."""

    async def settle_hold(
        self, hold_id: int, state: HoldState, *, at: float, who: str, note: str | None
    ) -> bool:
        """Write what became of an open hold; False when it is not open."""

    async def counts(self, since: float) -> dict[str, dict[str, int]]:
        """Count activities and decisions since a time, holds by state."""

    async def forget(self, before: float, *, decisions: float) -> None:
        """Forget activities older than `before`, and decisions older than `decisions` about what is gone."""


class Subscribers(Protocol):
    """Subscriptions, letters to them, and what was fetched about actors."""

    async def all(self) -> list[Subscription]:
        """Return every subscription, oldest first."""

    async def version(self) -> int:
        """Return a number that grows whenever a subscription came, went or changed."""

    async def by_actor(self, actor: str) -> Subscription | None:
        """Return the subscription of an actor."""

    async def add(
        self,
        *,
        actor: str,
        server: str,
        inbox: str,
        dialect: Dialect,
        state: State,
        follow: Mapping[str, object],
        now: float,
        reason: str | None,
        back: Back,
        back_id: str | None,
        cursor: int,
    ) -> int:
        """Add a subscription; return its number. An actor that was here before has the profile that it had then."""

    async def save(self, subscription: Subscription, now: float) -> None:
        """Write state, inbox, dialect, newest Follow, reason and our Follow of it; not its profile."""

    async def set_profile(
        self, subscription_id: int, profile: SubscriberProfile, *, since: int, locked: bool
    ) -> None:
        """Write what a subscriber wants, the head of the log from which it counts, and whether operators fixed it."""

    async def place(self, subscription_id: int, cursor: int) -> None:
        """Put a subscriber at a position of the log; what waited for it before that is forgotten."""

    async def remove(self, subscription_id: int) -> None:
        """Forget a subscription and what waited for it; its profile is kept for when its actor comes back."""

    async def details(self, subscription_id: int) -> Row:
        """Return counters, cursor, lag, what was skipped, stragglers, gaps, letters and host health, for people."""

    async def send(self, letters: Sequence[tuple[str, str, str, bytes]], now: float) -> None:
        """Put messages on their way: (kind, actor, inbox, body)."""

    async def recall_letters(self, actor: str, kinds: Collection[str]) -> None:
        """Take back messages of these kinds that did not arrive yet."""

    async def claim_letters(self, *, now: float, until: float, most: int) -> list[Letter]:
        """Take messages that are due."""

    async def next_letter(self) -> float | None:
        """When the next message falls due."""

    async def drop_letter(self, letter_id: int) -> None:
        """A message arrived, or is given up."""

    async def delay_letter(self, letter_id: int, due_at: float, error: str) -> None:
        """A message failed and is tried again."""

    async def actor(self, actor_id: str) -> tuple[bytes, float] | None:
        """Return a stored actor document and when it was fetched."""

    async def save_actor(self, actor_id: str, document: bytes, at: float) -> None:
        """Store an actor document."""

    async def key(self, key_id: str) -> StoredKey | None:
        """Return a stored public key."""

    async def save_key(self, key: StoredKey) -> None:
        """Store a public key."""

    async def forget(self, before: float) -> None:
        """Forget keys and actors that were not fetched again for long, and the health of servers that left."""

    async def trim(self, most: int) -> None:
        """Forget the oldest keys, actors and profiles of those that do not subscribe; `most` of each stay.

        Profiles that an operator fixed are all kept.
        """

    async def trim_audit(self, most: int) -> None:
        """Forget the oldest of what other servers did; `most` lines of it stay, and all that operators did."""

    async def number_of(self, server: str) -> int:
        """Return how many subscriptions a server has."""

    async def audit(self, *, at: float, who: str, action: str, subject: str, detail: str) -> None:
        """Write down who changed what."""


class Upstreams(Protocol):
    """The relays that this one follows. Whatever changes here changes the `version` of the subscribers, too."""

    async def all(self) -> list[Upstream]:
        """Return every one, oldest first."""

    async def by_actor(self, actor: str) -> Upstream | None:
        """Return what is known of our Follow of an actor."""

    async def save(self, upstream: Upstream) -> None:
        """Write it, new or changed."""

    async def remove(self, actor: str) -> None:
        """Forget it."""


class Tx(Protocol):
    """One transaction."""

    @property
    def activities(self) -> Activities:
        """Received activities, decisions, holds."""

    @property
    def history(self) -> History:
        """Decisions of the policy, kept to try other policies on."""

    @property
    def media(self) -> Media:
        """Facts, attestations."""

    @property
    def hash_lists(self) -> HashLists:
        """Batches of list entries, and which of them matched."""

    @property
    def fanout(self) -> Fanout:
        """Log and cursors."""

    @property
    def subscribers(self) -> Subscribers:
        """Subscriptions, letters, actors, keys, audit."""

    @property
    def upstreams(self) -> Upstreams:
        """The relays that this one follows."""

    @property
    def blocking(self) -> Blocking:
        """Blocklists, opt-outs, suspensions."""

    @property
    def brakes(self) -> Brakes:
        """Waves, incidents, and what they stopped."""

    @property
    def servers(self) -> Servers:
        """Since when servers are known, and what they run."""

    @property
    def submissions(self) -> Submissions:
        """Media submitted to be attested."""

    @property
    def key_records(self) -> KeyRecords:
        """Attestation keys that do not sign any more."""

    @property
    def status_indexes(self) -> StatusIndexes:
        """The indexes of our attestations in status lists."""

    @property
    def lab(self) -> Lab:
        """Temporary inboxes and reports of the lab."""

    @property
    def alerts(self) -> AlertBox:
        """Alerts on their way to people."""

    @property
    def logins(self) -> Logins:
        """Codes and sessions of admins of subscribers."""

    @property
    def admins(self) -> Admins:
        """Sign-in links, sessions and drafts of operators."""

    @property
    def listings(self) -> Listings:
        """Lists for pages of the operator."""

    @property
    def policies(self) -> PolicyVersions:
        """Every version of the policy that was in force."""

    @property
    def reloads(self) -> Reloads:
        """Questions to read the configuration again."""

    @property
    def hash_services(self) -> HashServices:
        """How the hash services are doing."""

    @property
    def webhooks(self) -> Webhooks:
        """Posts sent by web hook to be checked."""

    @property
    def recalls(self) -> Recalls:
        """Media that matched after it was relayed, and who was told."""

    @property
    def leases(self) -> Leases:
        """Who does what only one process may do."""

    @property
    def shares(self) -> Shares:
        """Which process delivers to which subscribers."""


class Store(Protocol):
    """Durable state. Safe for concurrent use."""

    def transaction(self) -> AbstractAsyncContextManager[Tx]:
        """Open a write transaction: on disk when it returns, without effect when it raises."""

    def reading(self) -> AbstractAsyncContextManager[Tx]:
        """Open a consistent view of the last committed state."""
