"""Puts the relay together: one place that knows every part.

`Office` is what the operator's commands need: the store and the services on it. `Relay` adds everything that speaks
to other servers. Both are built inside an `AsyncExitStack`, so that what was opened is closed in reverse order.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from mediaattest import IssuerKey, describe_key
from relay import __version__
from relay.adapters.guard import AddressPolicy
from relay.adapters.keys import KeyFolder
from relay.adapters.media.sandbox import SandboxedDecoder
from relay.adapters.remote import GuardedRemote
from relay.adapters.scanners.library import ListLibrary, ListSource
from relay.adapters.signing import ProcessSigner
from relay.adapters.sql.sqlite import SqliteStore
from relay.adapters.system import SystemClock
from relay.config.settings import database_path
from relay.domain import hosts
from relay.domain.errors import Refused
from relay.domain.hashlist import ListPurpose
from relay.domain.subscription import Mode
from relay.protocol.documents import dump, relay_actor
from relay.services.arrival import ReceiveRules
from relay.services.attestations import (
    AttestationVerifier,
    Attestor,
    IssueRules,
    IssuingKey,
    Trust,
)
from relay.services.authenticate import Authenticator
from relay.services.blocks import Blocks
from relay.services.decide import Decider
from relay.services.deliver import FanOut
from relay.services.explain import Explainer
from relay.services.fetch import Fetcher
from relay.services.holds import Holds
from relay.services.identity import Identity
from relay.services.inspect import Inspector, MediaLimits
from relay.services.intake import Intake
from relay.services.keyring import KeyRing
from relay.services.letters import Letters
from relay.services.lists import Lists, ListWatch
from relay.services.peers import Peers
from relay.services.posts import Posts
from relay.services.proofs import Proofs
from relay.services.provenance import Provenance
from relay.services.receive import Receiver
from relay.services.screen import Screening
from relay.services.signals import Signals
from relay.services.signing import Signing
from relay.services.subscribers import Subscribers
from relay.services.tally import Tally
from relay.services.tracks import FanOutLimits
from relay.services.upkeep import Upkeep
from relay.services.upstreams import Upstreams

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from aiohttp.abc import AbstractResolver

    from relay.config.load import Configuration
    from relay.config.settings import Settings
    from relay.ports import Clock, Remote, Signer

PROFILE: Final = "https://w3id.org/assay/media-attestation/v1"
"""The address of our profile of FEP-b53d, which the actor says it implements (FEP-844e)."""
REPOSITORY: Final = "https://w3id.org/assay"


@dataclass(frozen=True, slots=True)
class Outside:
    """What a test or the demo replaces of the world: time, names, trusted authorities, all other servers.

    `signer` opens a signer for a key id and a PEM; `decoder` is one that runs already.
    """

    clock: Clock
    remote: Remote | None = None
    signer: Callable[[str, bytes], AbstractAsyncContextManager[Signer]] | None = None
    decoder: SandboxedDecoder | None = None
    resolver: AbstractResolver | None = None
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Office:
    """The relay without the network: what the operator's commands work on."""

    settings: Settings
    identity: Identity
    store: SqliteStore
    clock: Clock
    signals: Signals
    decider: Decider
    peers: Peers
    subscribers: Subscribers
    upstreams: Upstreams
    holds: Holds
    explainer: Explainer
    lists: Lists
    library: ListLibrary


@dataclass(frozen=True, slots=True)
class Relay:
    """The whole relay."""

    office: Office
    actor: bytes
    tally: Tally
    blocks: Blocks
    remote: Remote
    decoder: SandboxedDecoder
    fetcher: Fetcher
    authenticator: Authenticator
    receiver: Receiver
    inspector: Inspector
    verifier: AttestationVerifier
    attestor: Attestor
    screening: Screening
    fanout: FanOut
    letters: Letters
    watch: ListWatch
    upkeep: Upkeep

    async def work(self) -> None:
        """Run every worker until cancelled; one that crashes stops all, loudly."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.screening.run())
            tasks.create_task(self.fanout.run())
            tasks.create_task(self.letters.run())
            tasks.create_task(self.watch.run())
            tasks.create_task(self.upkeep.run())
            tasks.create_task(self.office.upstreams.run(self.fetcher))


def identity_of(settings: Settings) -> Identity:
    """Return the relay's names."""
    url = settings.relay.url
    return Identity(
        url=url,
        server=hosts.server_name(url),
        name=settings.relay.name,
        summary=settings.relay.description,
        version=__version__,
    )


@asynccontextmanager
async def open_office(
    configuration: Configuration, *, exclusive: bool = False, clock: Clock | None = None
) -> AsyncIterator[Office]:
    """Open the store and the services on it. `exclusive`: as the one relay that runs on it."""
    settings, clock = configuration.settings, clock or SystemClock()
    path = database_path(settings)
    if path is None:
        raise Refused("PostgreSQL comes with a later version: write `database: sqlite`", code="no-database")
    identity, signals = identity_of(settings), Signals()
    async with SqliteStore(path, exclusive=exclusive) as store:
        decider = Decider(configuration.policy, identity, clock)
        peers = Peers(store, clock)
        yield Office(
            settings=settings,
            identity=identity,
            store=store,
            clock=clock,
            signals=signals,
            decider=decider,
            peers=peers,
            upstreams=Upstreams(
                store=store,
                clock=clock,
                signals=signals,
                identity=identity,
                peers=peers,
                allow_http=settings.federation.allow_http,
            ),
            subscribers=Subscribers(
                store=store,
                clock=clock,
                signals=signals,
                identity=identity,
                peers=peers,
                mode=Mode(settings.federation.subscriptions),
                allow=settings.federation.allow,
            ),
            holds=Holds(store=store, clock=clock, decider=decider, signals=signals),
            explainer=Explainer(store),
            lists=Lists(store, clock),
            library=ListLibrary(_list_sources(settings), store),
        )


@asynccontextmanager
async def open_relay(
    configuration: Configuration, *, exclusive: bool = True, outside: Outside | None = None
) -> AsyncIterator[Relay]:
    """Put the whole relay together; nothing runs yet. Starts signing and decoding processes."""
    outside = outside or Outside(SystemClock())
    async with AsyncExitStack() as stack:
        office = await stack.enter_async_context(
            open_office(configuration, exclusive=exclusive, clock=outside.clock)
        )
        yield await _assemble(stack, office, outside)


async def _assemble(stack: AsyncExitStack, office: Office, outside: Outside) -> Relay:
    settings, store, clock, identity = office.settings, office.store, office.clock, office.identity
    folder = KeyFolder(settings.relay.data)
    main_key, attestation_keys = folder.main(), folder.attestation(now=clock.now())
    open_signer = outside.signer or _signing_processes
    signer = await stack.enter_async_context(open_signer(identity.key_id, main_key.pem))
    remote = outside.remote
    if remote is None:
        remote = await stack.enter_async_context(_guarded_remote(settings, identity, outside))
    decoder = outside.decoder
    if decoder is None:
        decoder = await stack.enter_async_context(_decoder(settings, clock))
    scanners = await office.library.scanners()
    blocks, tally, signals = Blocks(settings.federation.block), Tally(), office.signals
    signing = Signing(signer, remote, clock)
    fetcher = Fetcher(remote=remote, signing=signing, store=store, clock=clock)
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
    verifier = AttestationVerifier(fetcher=fetcher, clock=clock, trust=_trust(settings))
    inspector = Inspector(
        store=store,
        remote=remote,
        decoder=decoder,
        clock=clock,
        verifier=verifier,
        scanners=scanners,
        limits=MediaLimits(settings.media.max_size, settings.media.fetch_timeout.total_seconds()),
    )
    attestor = Attestor(
        store=store,
        clock=clock,
        identity=identity,
        key=IssuingKey(f"{identity.actor}#{attestation_keys[0].name}", attestation_keys[0].private),
        scanners=scanners,
        rules=_issue_rules(settings),
    )
    fanout = FanOut(
        store=store,
        remote=remote,
        signer=signer,
        clock=clock,
        signals=signals,
        limits=FanOutLimits(retention=settings.federation.retention.total_seconds()),
    )
    proofs = Proofs(Provenance(), clock, memory=settings.federation.retention.total_seconds())
    posts = Posts(
        store=store,
        intake=Intake(store),
        clock=clock,
        signals=signals,
        peers=office.peers,
        fetcher=fetcher,
        decider=office.decider,
        proofs=proofs,
        identity=identity,
        rules=ReceiveRules(
            anyone=settings.federation.publish_from == "anyone",
            unlisted=settings.federation.relay_unlisted,
        ),
    )
    return Relay(
        office=office,
        actor=dump(
            relay_actor(
                url=identity.url,
                name=identity.name,
                summary=identity.summary,
                public_key_pem=main_key.public_pem,
                assertion_methods=[
                    describe_key(IssuerKey(f"{identity.actor}#{key.name}", identity.actor, key.public_raw))
                    for key in attestation_keys
                ],
                implements=[(PROFILE, "Media Attestation v1")],
            )
        ),
        tally=tally,
        blocks=blocks,
        remote=remote,
        decoder=decoder,
        fetcher=fetcher,
        authenticator=authenticator,
        receiver=Receiver(
            store=store,
            signals=signals,
            authenticator=authenticator,
            proofs=proofs,
            peers=office.peers,
            subscribers=office.subscribers,
            upstreams=office.upstreams,
            posts=posts,
            fetcher=fetcher,
            blocks=blocks,
            identity=identity,
            allow_http=settings.federation.allow_http,
        ),
        inspector=inspector,
        verifier=verifier,
        attestor=attestor,
        screening=Screening(
            store=store,
            clock=clock,
            signals=signals,
            fetcher=fetcher,
            inspector=inspector,
            attestor=attestor,
            decider=office.decider,
            blocks=blocks,
            unlisted=settings.federation.relay_unlisted,
        ),
        fanout=fanout,
        letters=Letters(store=store, signing=signing, clock=clock, signals=signals),
        watch=ListWatch(
            store=store, clock=clock, build=office.library.scanners, inspector=inspector, attestor=attestor
        ),
        upkeep=Upkeep(
            store=store,
            clock=clock,
            retention=settings.federation.retention.total_seconds(),
            prune=fanout.prune,
        ),
    )


def _signing_processes(key_id: str, pem: bytes) -> AbstractAsyncContextManager[Signer]:
    return ProcessSigner(key_id=key_id, pem=pem)


def _decoder(settings: Settings, clock: Clock) -> SandboxedDecoder:
    return SandboxedDecoder(
        clock=clock,
        memory=settings.media.memory,
        timeout=settings.media.fetch_timeout.total_seconds(),
        max_pixels=settings.media.max_pixels,
        workers=settings.media.decoders,
    )


def _guarded_remote(settings: Settings, identity: Identity, outside: Outside) -> GuardedRemote:
    return GuardedRemote(
        clock=outside.clock,
        user_agent=f"Assay/{__version__} (+{identity.url}/)",
        addresses=AddressPolicy(allowed_private=settings.federation.private_addresses),
        own_hosts=[urlsplit(identity.url).netloc],
        allow_http=settings.federation.allow_http,
        ca_file=outside.ca_file,
        resolver=outside.resolver,
    )


def _trust(settings: Settings) -> Trust:
    accepted = frozenset(settings.attestation.accepted_lists) or None
    return Trust(frozenset(settings.attestation.trusted), accepted)


def _issue_rules(settings: Settings) -> IssueRules:
    """Attestations need an https actor id: a relay on plain http, for tests, issues none."""
    return IssueRules(
        enabled=settings.attestation.issue and settings.relay.url.startswith("https://"),
        lifetime=int(settings.attestation.lifetime.total_seconds()),
        withhold=settings.attestation.withhold,
    )


def _list_sources(settings: Settings) -> Sequence[ListSource]:
    purposes = {"ncii": ListPurpose.NCII, "test": ListPurpose.TEST}
    return [
        ListSource(
            name=scanner.name,
            file=scanner.file,
            category=scanner.category or "known",
            purpose=ListPurpose.TEST
            if scanner.builtin
            else purposes.get(scanner.category or "", ListPurpose.ABUSE),
        )
        for scanner in settings.scanners
    ]
