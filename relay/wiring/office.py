"""The relay without the network: the store, and the services on it that the operator's commands need."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.adapters.scanners.comparing import compare
from relay.adapters.scanners.library import ListLibrary
from relay.adapters.system import SystemClock
from relay.config import values
from relay.domain.subscription import Mode
from relay.services.alerts import Alerts
from relay.services.blocklists import Blocklists
from relay.services.blocks import Blocks
from relay.services.decide import Decider
from relay.services.findings import Findings
from relay.services.flood import FloodGuard
from relay.services.health import SubscriberHealth
from relay.services.holds import Holds
from relay.services.lists import Lists
from relay.services.peers import Peers
from relay.services.policy_history import PolicyHistory
from relay.services.policy_lists import PolicyLists
from relay.services.profiles import Profiles
from relay.services.recalls import Recalls
from relay.services.reloads import Reloads
from relay.services.replay import Replay
from relay.services.signals import Signals
from relay.services.subscribers import Subscribers
from relay.services.upstreams import Upstreams
from relay.services.waves import Waves
from relay.services.webhooks import HookDesk
from relay.wiring import parts, submit
from relay.wiring.database import database
from relay.wiring.why import explainer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from relay.config.load import Configuration
    from relay.config.settings import Settings
    from relay.ports import Clock
    from relay.services.attestkeys import AttestationKeys
    from relay.services.explain import Explainer
    from relay.services.hashsubmissions import HashSubmissions
    from relay.services.identity import Identity
    from relay.wiring.database import Database


@dataclass(frozen=True, slots=True)
class Office:
    """The relay without the network: what the operator's commands work on."""

    settings: Settings
    identity: Identity
    store: Database
    clock: Clock
    signals: Signals
    decider: Decider
    policy_lists: PolicyLists
    peers: Peers
    subscribers: Subscribers
    health: SubscriberHealth
    profiles: Profiles
    upstreams: Upstreams
    alerts: Alerts
    holds: Holds
    replay: Replay
    waves: Waves
    explainer: Explainer
    blocks: Blocks
    blocklists: Blocklists
    lists: Lists
    hash_submissions: HashSubmissions
    recalls: Recalls
    findings: Findings
    keys: AttestationKeys
    library: ListLibrary
    policy_history: PolicyHistory
    reloads: Reloads
    flood: FloodGuard
    hooks: HookDesk


@asynccontextmanager
async def open_office(
    configuration: Configuration, *, exclusive: bool = False, clock: Clock | None = None
) -> AsyncIterator[Office]:
    """Open the store and the services on it. `exclusive`: as the one relay that runs on it."""
    settings, clock = configuration.settings, clock or SystemClock()
    identity, signals = parts.identity_of(settings), Signals()
    async with database(settings, exclusive=exclusive) as store:
        decider = Decider(configuration.policy, identity, clock)
        peers = Peers(store, clock)
        policy_lists = PolicyLists(store, clock, decider, configuration.policy_lists)
        await policy_lists.run_once()
        lists = (*values.blocklists(settings), *configuration.policy_lists)
        alerts = Alerts(store=store, clock=clock, signals=signals, channels=values.channel_rules(settings))
        keys = parts.attestation_keys(settings, store, clock, identity, alerts)
        blocklists = Blocklists(store, clock, lists, alerts)
        blocks = Blocks(
            settings.federation.block,
            allow=(*settings.federation.allow, identity.server),
            actions={one.name: one.action for one in lists if not one.for_policy},
        )
        subscribers = Subscribers(
            store=store,
            clock=clock,
            signals=signals,
            identity=identity,
            peers=peers,
            alerts=alerts,
            mode=Mode(settings.federation.subscriptions),
            allow=settings.federation.allow,
        )
        hash_lists = Lists(store, clock, alerts, compare)
        yield Office(
            settings=settings,
            identity=identity,
            store=store,
            clock=clock,
            signals=signals,
            decider=decider,
            policy_lists=policy_lists,
            peers=peers,
            upstreams=Upstreams(
                store=store,
                clock=clock,
                signals=signals,
                identity=identity,
                peers=peers,
                allow_http=settings.federation.allow_http,
            ),
            subscribers=subscribers,
            health=SubscriberHealth(store, clock, values.catch_up_rate(settings)),
            alerts=alerts,
            profiles=Profiles(
                store=store,
                clock=clock,
                decider=decider,
                subscribers=subscribers,
                wanted=settings.federation.profile,
            ),
            holds=Holds(store=store, clock=clock, decider=decider, signals=signals, blocks=blocks),
            replay=Replay(store=store, clock=clock, decider=decider, wanted=settings.federation.profile),
            explainer=explainer(settings, store, clock, decider),
            waves=Waves(store=store, clock=clock, signals=signals, alerts=alerts),
            blocks=blocks,
            blocklists=blocklists,
            lists=hash_lists,
            hash_submissions=submit.hash_submissions(settings, store, clock, hash_lists, alerts),
            recalls=Recalls(store=store, clock=clock, signals=signals, identity=identity, alerts=alerts),
            findings=Findings(store, clock),
            keys=keys,
            policy_history=PolicyHistory(
                store, clock, identity, lambda: parts.statement_key(settings, identity)
            ),
            reloads=Reloads(store, clock, signals),
            library=ListLibrary(parts.list_sources(settings), store, settings.relay.data / "lists"),
            flood=FloodGuard(store, clock, settings.hash_lists.flood, alerts),
            hooks=HookDesk(store, clock),
        )
