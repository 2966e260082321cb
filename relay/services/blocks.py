"""Servers that are neither heard nor sent to: the operator's own list, the lists that others keep, and opt-outs.

Looking a server up costs one lookup per label of its name, however long the lists are. What is in force is loaded from
the store when it changes, also by a command in another process; between two looks the answer is a second or two old.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.domain import hosts
from relay.domain.blocklist import Effect
from relay.domain.facts import covering_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from relay.domain.blocklist import ListedServer
    from relay.ports import Store

OWN_LIST: Final = "federation.block"
"""How the operator's own list is called where lists are named."""
ALLOWED: Final = "federation.allow"


@dataclass(frozen=True, slots=True)
class Listing:
    """One list that names a server: which, under what name, and what it says. `observed`: it only counts."""

    list: str
    server: str
    observed: bool
    severity: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done with a server, and why. `allowed_by` is the pattern that wins over lists."""

    server: str
    listings: tuple[Listing, ...]
    allowed_by: str | None = None

    @property
    def blocked_by(self) -> Listing | None:
        """What blocks the server: the operator's own list before others."""
        blocking = [one for one in self.listings if not one.observed]
        own = next((one for one in blocking if one.list == OWN_LIST), None)
        if own is not None or self.allowed_by is not None:
            return own
        return next(iter(blocking), None)

    @property
    def reason(self) -> str | None:
        """Why the server is blocked, for the operator."""
        by = self.blocked_by
        return None if by is None else f"blocked by {by.list}"


class Blocks:
    """What is blocked. A blocked server covers its subdomains, on every port unless the entry names one.

    `patterns` (the operator's list), `allow` and `actions` may be replaced while running, these as a new mapping that
    counts from the next `load`. They map the configured lists to what they do: `OBSERVE` turns all their entries into
    observations.
    """

    def __init__(
        self,
        patterns: Iterable[str],
        *,
        allow: Iterable[str] = (),
        actions: Mapping[str, Effect] | None = None,
    ) -> None:
        self.patterns = patterns
        self.allow = frozenset(allow)
        self.actions: Mapping[str, Effect] = dict(actions or {})
        self._loaded_for: Mapping[str, Effect] | None = None
        self._blocking: dict[str, tuple[str, ...]] = {}
        self._observed: dict[str, tuple[str, ...]] = {}
        self._opted_out: dict[str, str | None] = {}
        self._left: frozenset[str] = frozenset()
        self._version = self._opt_outs_version = -1
        self._counted: Counter[str] = Counter()

    @property
    def patterns(self) -> Iterable[str]:
        """The operator's own list."""
        return self._own

    @patterns.setter
    def patterns(self, patterns: Iterable[str]) -> None:
        self._own = frozenset(pattern.removeprefix("*.") for pattern in patterns)

    # ------------------------------------------------------------------ questions

    def blocked(self, server: str) -> bool:
        """Whether a server is blocked."""
        names = hosts.covered_by(server)
        if not self._own.isdisjoint(names):
            return True
        if not any(name in self._blocking for name in names):
            return False
        return self._allowed_by(server) is None

    def any_blocked(self, servers: Iterable[str]) -> bool:
        """Whether one of the servers is blocked."""
        return any(self.blocked(server) for server in servers)

    def verdict(
        self, server: str, entries: Mapping[str, Mapping[str, ListedServer]] | None = None
    ) -> Verdict:
        """Return what is to be done with a server. `entries`, by list and server, add what the lists say."""
        listings = []
        for name in hosts.covered_by(server):
            if name in self._own:
                listings.append(Listing(OWN_LIST, name, observed=False))
            for found, observed in ((self._blocking, False), (self._observed, True)):
                for listed in found.get(name, ()):
                    entry = (entries or {}).get(listed, {}).get(name)
                    said = (entry.severity, entry.comment) if entry else ("", "")
                    listings.append(Listing(listed, name, observed, *said))
        return Verdict(server, tuple(listings), self._allowed_by(server))

    def opted_out(self, actors: Iterable[str], servers: Iterable[str]) -> bool:
        """Whether one of the authors blocked the relay, or one of the servers as a whole."""
        if not self._opted_out:
            return False
        return any(actor in self._opted_out for actor in actors) or not self._left.isdisjoint(servers)

    def opts_out(self, actor: str, server: str | None) -> None:
        """Take an opt-out into account at once, before the next look; `server` when it stands for a whole one."""
        self._opted_out[actor] = server
        self._left |= {server} if server else set()

    def opts_in(self, actor: str) -> None:
        """Forget an opt-out at once."""
        if self._opted_out.pop(actor, None) is not None:
            self._left = frozenset(server for server in self._opted_out.values() if server)

    def observe(self, servers: Iterable[str]) -> list[str]:
        """Count what the lists that only observe would have refused; return their names."""
        if not self._observed:
            return []
        found = {
            listed
            for server in servers
            for name in hosts.covered_by(server)
            for listed in self._observed.get(name, ())
        }
        self._counted.update(found)
        return sorted(found)

    def take_counts(self) -> dict[str, int]:
        """Return and forget what was counted."""
        counts, self._counted = dict(self._counted), Counter()
        return counts

    def _allowed_by(self, server: str) -> str | None:
        return next(iter(sorted(self.allow & covering_names(server))), None) if self.allow else None

    # ------------------------------------------------------------------ what is in force

    async def load(self, store: Store) -> bool:
        """Load what changed since the last time, lists and opt-outs apart; return whether lists did."""
        actions = self.actions  # the same ones to the end, whatever is configured meanwhile
        async with store.reading() as tx:
            version, opt_outs_version = await tx.blocking.version(), await tx.blocking.opt_outs_version()
            lists_changed = version != self._version or actions is not self._loaded_for
            if lists_changed:
                lists = {name: await tx.blocking.named(name) for name in actions}
            if opt_outs_version != self._opt_outs_version:
                opt_outs = await tx.blocking.opt_outs()
                self._opted_out = {one.actor: one.server if one.whole_server else None for one in opt_outs}
                self._left = frozenset(server for server in self._opted_out.values() if server)
        self._opt_outs_version = opt_outs_version
        if lists_changed:
            # A hundred thousand entries take a second to sort: not on the loop.
            found = await asyncio.to_thread(_by_server, lists, actions)
            self._blocking, self._observed = found
            self._version, self._loaded_for = version, actions
        return lists_changed


def _by_server(
    lists: Mapping[str, Sequence[tuple[str, Effect]]], actions: Mapping[str, Effect]
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """What blocks and what is only observed: names of lists by server."""
    blocking: dict[str, tuple[str, ...]] = {}
    observed: dict[str, tuple[str, ...]] = {}
    for name, entries in lists.items():
        for server, effect in entries:
            observes = effect is Effect.OBSERVE or actions[name] is Effect.OBSERVE
            found = observed if observes else blocking
            found[server] = (*found.get(server, ()), name)
    return blocking, observed
