"""Parts of the relay, each from the settings that it depends on, and what a test replaces of the world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from relay import __version__
from relay.adapters.keys import KeyFolder
from relay.adapters.scanners.library import ListSource
from relay.adapters.signing import ProcessSigner, ThreadSigner
from relay.domain import hosts
from relay.domain.hashlist import ListPurpose
from relay.protocol.policy_statement import StatementKey
from relay.services.attestkeys import AttestationKeys
from relay.services.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from aiohttp.abc import AbstractResolver

    from relay.adapters.media.sandbox import SandboxedDecoder
    from relay.adapters.remote import GuardedRemote
    from relay.config.settings import Settings
    from relay.ports import Canonicalizer, Clock, Remote, Signer, Store
    from relay.services.alerts import Alerts


@dataclass(frozen=True, slots=True)
class Outside:
    """What a test or the demo replaces of the world: time, names, trusted authorities, all other servers.

    `signer` opens a signer for a key id and a PEM; `decoder` and `canonicalizer` are ones that run already.
    """

    clock: Clock
    remote: Remote | None = None
    signer: Callable[[str, bytes], AbstractAsyncContextManager[Signer]] | None = None
    decoder: SandboxedDecoder | None = None
    canonicalizer: Canonicalizer | None = None
    resolver: AbstractResolver | None = None
    ca_file: Path | None = None


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


def attestation_keys(
    settings: Settings, store: Store, clock: Clock, identity: Identity, alerts: Alerts
) -> AttestationKeys:
    """Look after the keys of our attestations."""
    files = KeyFolder(settings.relay.data)
    return AttestationKeys(store=store, clock=clock, files=files, actor=identity.actor, alerts=alerts)


def statement_key(settings: Settings, identity: Identity) -> StatementKey:
    """Return the key that signs what the relay says of itself."""
    return StatementKey(identity.key_id, KeyFolder(settings.relay.data).main().private)


def signing_processes(key_id: str, pem: bytes, processes: int) -> AbstractAsyncContextManager[Signer]:
    """Sign in processes of their own: what serves has a busy loop."""
    return ProcessSigner(key_id=key_id, pem=pem, processes=processes)


def signing_thread(key_id: str, pem: bytes) -> AbstractAsyncContextManager[Signer]:
    """Sign in a thread: a command signs a few requests, and is done before processes would have started."""
    return ThreadSigner(key_id=key_id, pem=pem, threads=1)


def decoder(settings: Settings, clock: Clock, *, eager: bool) -> SandboxedDecoder:
    """Decode media in sandboxed processes; `eager` starts them at once, else the first picture does."""
    from relay.adapters.media.sandbox import SandboxedDecoder

    return SandboxedDecoder(
        clock=clock,
        memory=settings.media.memory,
        timeout=settings.media.fetch_timeout.total_seconds(),
        max_pixels=settings.media.max_pixels,
        video_frames=settings.media.video.max_frames,
        step=1 / settings.media.video.frames_per_second,
        workers=settings.media.decoders,
        eager=eager,
    )


def guarded_remote(settings: Settings, identity: Identity, outside: Outside) -> GuardedRemote:
    """Reach other servers through the wall."""
    from relay.adapters.guard import AddressPolicy
    from relay.adapters.remote import GuardedRemote

    return GuardedRemote(
        clock=outside.clock,
        user_agent=f"Assay/{__version__} (+{identity.url}/)",
        addresses=AddressPolicy(allowed_private=settings.federation.private_addresses),
        own_hosts=[urlsplit(identity.url).netloc],
        allow_http=settings.federation.allow_http,
        ca_file=outside.ca_file,
        resolver=outside.resolver,
    )


def list_sources(settings: Settings) -> Sequence[ListSource]:
    """Say where the hash lists are and what they are for."""
    purposes = {"ncii": ListPurpose.NCII, "test": ListPurpose.TEST}
    kinds = {"benign": ListPurpose.BENIGN, "submitted": ListPurpose.NCII}
    return [
        ListSource(
            name=scanner.name,
            file=scanner.file,
            category=scanner.list_category,
            purpose=ListPurpose.TEST
            if scanner.builtin
            else kinds.get(scanner.kind) or purposes.get(scanner.list_category, ListPurpose.ABUSE),
            builtin=scanner.builtin is not None,
            fetched=scanner.is_fetched,
        )
        for scanner in settings.scanners
        if not scanner.is_service
    ]
