"""Everything that keeps unwanted servers away, put together: what the inbox asks, and its workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from relay.services.blocklists import BlocklistSchedule
from relay.services.blocksources import BlockSources
from relay.services.enforcement import Enforcement
from relay.services.limits import Limits
from relay.services.optouts import OptOuts
from relay.services.software import SoftwareWatch
from relay.services.standing import Standings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.rates import Rate
    from relay.ports import Clock, Remote, Store
    from relay.services.blocklists import Blocklists
    from relay.services.blocks import Blocks
    from relay.services.blocksources import FileReader
    from relay.services.identity import Identity
    from relay.services.peers import Peers
    from relay.services.policy_lists import PolicyLists
    from relay.services.signals import Signals
    from relay.services.subscribers import Subscribers


@dataclass(frozen=True, slots=True)
class Moderation:
    """The services about unwanted servers."""

    limits: Limits
    standings: Standings
    opt_outs: OptOuts
    sources: BlockSources
    schedule: BlocklistSchedule
    enforcement: Enforcement
    policy_lists: PolicyLists
    software: SoftwareWatch

    @classmethod
    def of(
        cls,
        *,
        store: Store,
        clock: Clock,
        signals: Signals,
        remote: Remote,
        read_file: FileReader,
        identity: Identity,
        blocks: Blocks,
        blocklists: Blocklists,
        policy_lists: PolicyLists,
        subscribers: Subscribers,
        peers: Peers,
        banned: Sequence[str],
        rate: Rate | None,
    ) -> Self:
        """Put them together. `banned` is software that may not subscribe, `rate` what one server may send."""
        sources = BlockSources(remote, read_file)
        return cls(
            limits=Limits(rate, clock),
            standings=Standings(store, clock, peers),
            opt_outs=OptOuts(
                store=store,
                clock=clock,
                blocks=blocks,
                subscribers=subscribers,
                signals=signals,
                identity=identity,
            ),
            sources=sources,
            schedule=BlocklistSchedule(blocklists, sources, clock),
            enforcement=Enforcement(
                store=store,
                clock=clock,
                signals=signals,
                blocks=blocks,
                subscribers=subscribers,
                banned=banned,
            ),
            policy_lists=policy_lists,
            software=SoftwareWatch(store=store, remote=remote, clock=clock, signals=signals, blocks=blocks),
        )
