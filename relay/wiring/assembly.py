"""Puts the relay together: one place that knows every part.

`Office` is what the operator's commands need (`office`). `Relay` adds everything that speaks to other servers. Both are
built inside an `AsyncExitStack`, so that what was opened is closed in reverse order.
"""

from __future__ import annotations

import os
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from relay.adapters.canonical.pool import CanonicalProcesses
from relay.adapters.keys import KeyFolder
from relay.adapters.system import SystemClock
from relay.adapters.textfiles import read_file
from relay.config import values
from relay.domain.consent import Sign
from relay.services.attestations import AttestationVerifier, Attestor
from relay.services.attestkeys import KeyWatch
from relay.services.authenticate import Authenticator
from relay.services.consent import Consent
from relay.services.deliver import FanOut
from relay.services.fetch import Fetcher
from relay.services.inquiry import Inquiries
from relay.services.inspect import Inspector
from relay.services.intake import Intake
from relay.services.keyring import KeyRing
from relay.services.letters import Letters
from relay.services.lists import ListWatch
from relay.services.logins import Logins
from relay.services.misses import Misses
from relay.services.moderation import Moderation
from relay.services.posts import Posts
from relay.services.profile import Profile
from relay.services.proofs import Proofs
from relay.services.provenance import Provenance
from relay.services.receive import Receiver
from relay.services.schemes import Schemes
from relay.services.screen import Screening
from relay.services.selection import Selectors
from relay.services.signing import Signing
from relay.services.status_lists import OwnStatusLists, StatusLists
from relay.services.tally import Tally
from relay.services.troubles import Troubles
from relay.services.upkeep import Upkeep
from relay.wiring import parts
from relay.wiring.alerts import Alerting, open_alerting
from relay.wiring.brake import Brakes
from relay.wiring.hashservices import HashServices, open_services
from relay.wiring.labpages import LabPages
from relay.wiring.live import Live, Parts, record_start
from relay.wiring.office import Office, open_office
from relay.wiring.parts import Outside
from relay.wiring.processes import Processes, Role, Workers
from relay.wiring.recall import rematching
from relay.wiring.service import AttestingService
from relay.wiring.webhooks import Hooks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from relay.adapters.media.sandbox import SandboxedDecoder
    from relay.config.load import Configuration
    from relay.ports import Remote
    from relay.services.blocks import Blocks
    from relay.services.rematching import Rematching

REPOSITORY: Final = "https://w3id.org/assay"


@dataclass(frozen=True, slots=True)
class Relay:
    """The whole relay."""

    office: Office
    processes: Processes
    profile: Profile
    tally: Tally
    blocks: Blocks
    moderation: Moderation
    remote: Remote
    decoder: SandboxedDecoder
    fetcher: Fetcher
    authenticator: Authenticator
    provenance: Provenance
    receiver: Receiver
    inspector: Inspector
    verifier: AttestationVerifier
    attestor: Attestor
    misses: Misses
    service: AttestingService
    hooks: Hooks
    lab: LabPages
    screening: Screening
    brakes: Brakes
    fanout: FanOut
    letters: Letters
    alerting: Alerting
    logins: Logins
    inquiries: Inquiries
    watch: ListWatch
    rematching: Rematching
    services: HashServices
    key_watch: KeyWatch
    status_lists: StatusLists
    upkeep: Upkeep
    live: Live

    @property
    def actor(self) -> bytes:
        """The actor document, as it is served."""
        return self.profile.document

    async def work(self, role: Role = Role.ALL) -> None:
        """Run every worker of a role until cancelled; one that crashes stops all, loudly."""
        workers = Workers(
            every=(
                self.watch.run,
                self.services.run,
                self.key_watch.run,
                self.status_lists.run,
                self.moderation.policy_lists.run,
                self.moderation.enforcement.run,
                self.brakes.keeper.run,
                self.live.run,
            ),
            answering=(self.service.attesting.run,),
            delivering=self.fanout.run,
            working=(self.screening.run, self.letters.run, self.alerting.run, self.hooks.run),
            leading=(
                self.upkeep.run,
                self.lab.run,
                self.moderation.schedule.run,
                self.moderation.software.run,
                self.rematching.run,
                self.services.fetching.run,
                partial(self.office.upstreams.run, self.fetcher),
            ),
        )
        await self.processes.run(workers, role)


@asynccontextmanager
async def open_relay(
    configuration: Configuration, *, exclusive: bool = True, outside: Outside | None = None
) -> AsyncIterator[Relay]:
    """Put the whole relay together; nothing runs yet but, if it is to serve, signing and decoding processes."""
    outside = outside or Outside(SystemClock())
    async with AsyncExitStack() as stack:
        office = await stack.enter_async_context(
            open_office(configuration, exclusive=exclusive, clock=outside.clock)
        )
        relay = await _assemble(stack, office, outside, Live(configuration, office), serving=exclusive)
        if exclusive:
            await record_start(office, configuration)
        yield relay


async def _assemble(
    stack: AsyncExitStack, office: Office, outside: Outside, live: Live, *, serving: bool
) -> Relay:
    settings, store, clock, identity = office.settings, office.store, office.clock, office.identity
    main_key = KeyFolder(settings.relay.data).main()
    current = await office.keys.current()
    profile = Profile(identity, main_key.public_pem, current.published)
    cores = os.cpu_count() or 1
    in_processes = partial(parts.signing_processes, processes=values.signers(settings, cores))
    open_signer = outside.signer or (in_processes if serving else parts.signing_thread)
    signer = await stack.enter_async_context(open_signer(identity.key_id, main_key.pem))
    remote = outside.remote
    if remote is None:
        remote = await stack.enter_async_context(parts.guarded_remote(settings, identity, outside))
    decoder = outside.decoder
    if decoder is None:
        decoder = await stack.enter_async_context(parts.decoder(settings, clock, eager=serving))
    canonicalizer = outside.canonicalizer
    if canonicalizer is None:
        canonicalizer = await stack.enter_async_context(CanonicalProcesses())
    processes = Processes(office)
    blocks, tally, signals, subscribers = office.blocks, Tally(), office.signals, office.subscribers
    services = await open_services(stack, office, outside, tally)
    build, seen = services.among(office.library.scanners), office.library.seen
    scanners = await build()
    misses, troubles = Misses(clock), Troubles()
    alerting = await stack.enter_async_context(open_alerting(office, outside, tally=tally, troubles=troubles))
    await blocks.load(store)
    moderation = Moderation.of(
        store=store,
        clock=clock,
        signals=signals,
        remote=remote,
        read_file=read_file,
        identity=identity,
        blocks=blocks,
        blocklists=office.blocklists,
        policy_lists=office.policy_lists,
        subscribers=subscribers,
        peers=office.peers,
        banned=settings.federation.block_software,
        rate=settings.federation.rate,
    )
    brakes = Brakes.of(office)
    schemes = Schemes(clock, store)
    await schemes.load()
    signing = Signing(signer, remote, clock, schemes)
    fetcher = Fetcher(signing=signing, store=store, clock=clock)
    signs = [Sign(one) for one in settings.federation.opt_outs]
    consent = Consent(store=store, fetcher=fetcher, clock=clock, signs=signs)
    keys = KeyRing(
        store=store,
        fetcher=fetcher,
        clock=clock,
        blocks=blocks,
        allow_http=settings.federation.allow_http,
    )
    authenticator = Authenticator(
        keys=keys,
        clock=clock,
        host_names=frozenset({identity.server}),
        scheme=urlsplit(identity.url).scheme,
    )
    status_lists = StatusLists(remote=remote, fetcher=fetcher, clock=clock)
    verifier = AttestationVerifier(
        fetcher=fetcher, clock=clock, trust=values.trust(settings), statuses=status_lists
    )
    inspector = Inspector(
        store=store,
        remote=remote,
        decoder=decoder,
        clock=clock,
        verifier=verifier,
        scanners=scanners,
        limits=values.media_limits(settings),
        troubles=troubles,
    )
    attestor = Attestor(
        store=store,
        clock=clock,
        identity=identity,
        key=current.signing,
        scanners=scanners,
        rules=values.issue_rules(settings),
        statuses=OwnStatusLists(store, clock, identity),
    )
    service = AttestingService.of(
        office, remote=remote, inspector=inspector, attestor=attestor, misses=misses, tally=tally
    )
    fanout = FanOut(
        store=store,
        signing=signing,
        clock=clock,
        signals=signals,
        selectors=Selectors(office.decider, settings.federation.profile),
        limits=values.fan_out_limits(settings, cores),
        part=processes.part,
        tally=tally,
    )
    logins = Logins(store=store, clock=clock, remote=remote, blocks=blocks)
    provenance = Provenance(keys=keys, canonicalizer=canonicalizer, clock=clock)
    proofs = Proofs(provenance, clock, memory=settings.federation.retention.total_seconds())
    posts = Posts(
        store=store,
        intake=Intake(store, office.alerts),
        clock=clock,
        signals=signals,
        peers=office.peers,
        fetcher=fetcher,
        decider=office.decider,
        braking=brakes.braking,
        proofs=proofs,
        identity=identity,
        blocks=blocks,
        consent=consent,
        standings=moderation.standings,
        rules=values.receive_rules(settings),
    )
    moderation.enforcement.leads = processes.leads
    relay = Relay(
        office=office,
        processes=processes,
        profile=profile,
        tally=tally,
        blocks=blocks,
        moderation=moderation,
        remote=remote,
        decoder=decoder,
        fetcher=fetcher,
        authenticator=authenticator,
        provenance=provenance,
        receiver=Receiver(
            store=store,
            signals=signals,
            authenticator=authenticator,
            proofs=proofs,
            peers=office.peers,
            subscribers=subscribers,
            upstreams=office.upstreams,
            recalls=office.recalls,
            posts=posts,
            fetcher=fetcher,
            blocks=blocks,
            opt_outs=moderation.opt_outs,
            limits=moderation.limits,
            tally=tally,
            identity=identity,
            allow_http=settings.federation.allow_http,
        ),
        inspector=inspector,
        verifier=verifier,
        attestor=attestor,
        misses=misses,
        service=service,
        hooks=Hooks.of(
            office, inspector=inspector, standings=moderation.standings, fetcher=fetcher, tally=tally
        ),
        lab=LabPages.of(
            office,
            remote=remote,
            authenticator=authenticator,
            fetcher=fetcher,
            canonicalizer=canonicalizer,
        ),
        screening=Screening(
            store=store,
            clock=clock,
            signals=signals,
            fetcher=fetcher,
            inspector=inspector,
            attestor=attestor,
            decider=office.decider,
            braking=brakes.braking,
            flood=office.flood,
            blocks=blocks,
            consent=consent,
            standings=moderation.standings,
            alerts=office.alerts,
            unlisted=settings.federation.relay_unlisted,
        ),
        brakes=brakes,
        fanout=fanout,
        letters=Letters(store=store, signing=signing, clock=clock, signals=signals, recalls=office.recalls),
        alerting=alerting,
        logins=logins,
        inquiries=Inquiries(
            store=store,
            clock=clock,
            explainer=office.explainer,
            authenticator=authenticator,
            logins=logins,
            misses=misses,
            rules=values.inquiry_rules(settings),
        ),
        watch=ListWatch(
            store=store, clock=clock, build=build, inspector=inspector, attestor=attestor, seen=seen
        ),
        rematching=rematching(office, inspector),
        services=services,
        key_watch=KeyWatch(keys=office.keys, clock=clock, attestor=attestor, profile=profile),
        status_lists=status_lists,
        upkeep=Upkeep(
            store=store,
            clock=clock,
            retention=settings.federation.retention.total_seconds(),
            history=settings.federation.history.total_seconds(),
            prune=fanout.prune,
        ),
        live=live,
    )
    live.attach(
        Parts(
            profile=profile,
            blocks=blocks,
            moderation=moderation,
            selectors=fanout.selectors,
            consent=consent,
            posts=posts,
            screening=relay.screening,
            attestor=attestor,
            verifier=verifier,
            submissions=service.submissions,
            braking=brakes.braking,
        )
    )
    return relay
