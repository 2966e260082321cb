"""Every key of the configuration but `policy`: its type, default and one sentence.

The sample file, the reference and the JSON Schema are generated from these types (`relay.config.sample`). All
durations are `timedelta`, sizes are bytes, shares are 0..1, paths are absolute once loaded. Defaults are
given as they are written, so that the sample shows them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from relay.config.alerts import AlertSettings
from relay.config.brake import BrakeSettings
from relay.config.catchup import CATCH_UP
from relay.config.cloudflare import CloudflareSettings
from relay.config.fields import (
    AcceptedList,
    ByteSize,
    Count,
    Duration,
    FilePath,
    Issuer,
    Listen,
    Network,
    Origin,
    Place,
    RateLimit,
    Secret,
    Server,
    Share,
    SoftwareName,
    WebAddress,
    written,
)
from relay.config.hashlists import HashListSettings
from relay.config.keepers import CANARY, KeeperSettings
from relay.config.lab import LabSettings
from relay.config.recall import RecallSettings
from relay.config.scan_api import ScanApiSettings
from relay.config.scanners import NAME_PATTERN, ScannerName
from relay.config.section import Section
from relay.config.submit import SUBMIT, SubmitSettings
from relay.config.transparency import TransparencySettings
from relay.config.video import VideoSettings
from relay.config.webhooks import WebhookSettings
from relay.config.why import WhySettings


class RelaySettings(Section):
    """The relay itself."""

    url: Origin = Field(
        default="http://localhost:8080",
        description="Public origin of the relay. Actor ids are built from it, so it must never change.",
    )
    listen: Listen = Field(
        default=written("127.0.0.1:8080"),
        description="Where the public side listens; put a reverse proxy with TLS in front of it.",
    )
    name: str = Field(default="Assay", max_length=200, description="Name of the relay, shown to people.")
    description: str = Field(
        default="", max_length=5000, description="What the relay is for, shown to people."
    )
    contact: str = Field(
        default="", max_length=500, description="Mail address or web address of the operator."
    )
    data: FilePath = Field(
        default=written("./data"),
        description="Directory of the keys, the embedded database and work files.",
    )
    database: Secret = Field(
        default="sqlite",
        repr=False,
        pattern=r"^(sqlite|sqlite:.+|postgres(ql)?://.+)$",
        description=(
            "`sqlite` (a file in `data`), `sqlite:PATH`, or `postgresql://user@host/name`; "
            "may be `file:PATH` or `env:NAME`, because it can hold a password."
        ),
    )

    workers: int = Field(
        default=1, ge=0, le=256, description="Processes on this host, with PostgreSQL; 0 is one per core."
    )

    @field_validator("database")
    @classmethod
    def _start_at_file(cls, value: str, info: ValidationInfo) -> str:
        kind, _, path = value.partition(":")
        place: object = info.context
        if kind == "sqlite" and path and isinstance(place, Place):
            return f"sqlite:{place.directory / path}"
        return value


class AdminSettings(Section):
    """The side that only the operator reaches."""

    listen: Listen = Field(
        default=written("127.0.0.1:8081"),
        description="Where admin pages, metrics and health checks listen; keep it off the public network.",
    )
    url: Origin | None = Field(
        default=None,
        description=(
            "Address of the admin pages for people who reach them through a proxy, such as "
            "`https://relay-admin.example`; without it they answer to addresses and `localhost` only."
        ),
    )


class BlocklistSettings(Section):
    """A list of servers that somebody else keeps."""

    name: ScannerName | None = Field(
        default=None, description="Name of the list, unique; by default made from its address or file."
    )
    url: WebAddress | None = Field(
        default=None, description="Address of the list, or of the dataset of a FIRES server."
    )
    file: FilePath | None = Field(default=None, description="File of the list; only `mastodon-csv`.")
    format: Literal["mastodon-csv", "fires"] = Field(
        description="`mastodon-csv`: as Mastodon exports it, or a name a line; `fires`: a FIRES dataset."
    )
    refresh: Duration = Field(
        default=written("12 hours"), description="How often the list is looked at; at least 5 minutes."
    )
    action: Literal["block", "observe"] = Field(
        default="block",
        description="`block` what the list says, or `observe`: only count what it would have refused.",
    )

    @property
    def label(self) -> str:
        """The name, or the one that is made from the address or the file."""
        if self.name is not None:
            return self.name
        place = (urlsplit(self.url).hostname or "") if self.url else (self.file.stem if self.file else "")
        return re.sub("[^a-z0-9]+", "-", place.lower()).strip("-")[:64] or "list"

    @model_validator(mode="after")
    def _complete(self) -> BlocklistSettings:
        if (self.url is None) == (self.file is None):
            cause = "a blocklist needs either `url` or `file`"
            raise PydanticCustomError("C307", "{cause}", {"cause": cause, "fix": "Write one of the two."})
        if self.format == "fires" and self.url is None:
            cause = "a FIRES dataset has an address, not a file"
            raise PydanticCustomError(
                "C308", "{cause}", {"cause": cause, "fix": "Write url: https://…/datasets/…"}
            )
        return self


class FederationSettings(Section):
    """Who takes part, and how other servers are reached."""

    subscriptions: Literal["open", "approve", "allow-list", "closed"] = Field(
        default="approve",
        description=(
            "Who may subscribe: anybody (`open`), whoever you approve (`approve`), "
            "servers in `allow` only (`allow-list`), or nobody new (`closed`)."
        ),
    )
    allow: tuple[Server, ...] = Field(
        default=(),
        description=(
            'Servers that may subscribe without waiting and that no blocklist blocks; "*.example" covers subdomains.'
        ),
    )
    block: tuple[Server, ...] = Field(
        default=(),
        description="Servers that are neither heard nor sent to, and their subdomains.",
    )
    blocklists: tuple[BlocklistSettings, ...] = Field(
        default=(),
        description=(
            "Lists of servers to block that others keep: `{url or file, format: mastodon-csv or fires, "
            "refresh: 12 hours, action: block or observe}`. `block` and `allow` win over them."
        ),
    )
    block_software: tuple[SoftwareName, ...] = Field(
        default=(),
        description=(
            "Software that may not subscribe, as NodeInfo names it: `spamd`, `spamd/1.*`. "
            "Looked at after a Follow and once a week."
        ),
    )
    rate: RateLimit = Field(
        default=written("3000 per minute"),
        description=(
            "How much one server may send; more is answered 429, which servers repeat later. "
            "Deletes and Undos are never limited. `unlimited` for no limit."
        ),
    )
    profile: str | None = Field(
        default=None,
        pattern=NAME_PATTERN,
        description=(
            "Profile of subscribers that chose none, one of the policy's `profiles`; "
            "by default `strict` where there is one, else the one that takes least."
        ),
    )
    publish_from: Literal["subscribers", "anyone"] = Field(
        default="subscribers", description="Whose activities are relayed."
    )
    opt_outs: tuple[Literal["nobot", "not-indexable", "not-discoverable"], ...] = Field(
        default=("nobot",),
        description=(
            "What in an account's profile keeps its posts from being relayed: `nobot` (`#nobot`, `#norelay` in its "
            "text), `not-indexable` (`indexable: false`), `not-discoverable` (`discoverable: false`). "
            "A block of the relay by the account always does."
        ),
    )
    relay_unlisted: bool = Field(
        default=False, description="Relay what is public but unlisted (`as:Public` only in `cc`)."
    )
    private_addresses: tuple[Network, ...] = Field(
        default=(),
        description="Networks that may be reached in spite of the wall around private addresses; for tests.",
    )
    allow_http: bool = Field(
        default=False, description="Speak plain http with other servers; for tests and onion services only."
    )
    retention: Duration = Field(
        default=written("72 hours"),
        description="How long a subscriber may be unreachable before it misses something.",
    )
    catch_up: RateLimit = CATCH_UP
    history: Duration = Field(
        default=written("14 days"),
        description=(
            "How long decisions of the policy are kept with their facts, to try other policies on. About 0.7 KiB of "
            "disk for each post, at most two million posts; what its author deletes goes at once. `0 days` keeps none."
        ),
    )
    max_body: ByteSize = Field(default=written("1 MiB"), description="Largest activity that is accepted.")


class MediaSettings(Section):
    """Fetching and decoding media."""

    max_size: ByteSize = Field(
        default=written("40 MiB"),
        description="Largest media file that is fetched; a larger one is unscannable.",
    )
    max_pixels: Count = Field(
        default=written("100 million"),
        ge=1,
        description="Largest picture that is decoded, width times height.",
    )
    fetch_timeout: Duration = Field(
        default=written("30 seconds"),
        description="How long fetching one file may take.",
    )
    decoders: int = Field(default=2, ge=1, le=64, description="How many sandboxed processes decode media.")
    memory: ByteSize = Field(
        default=written("1 GiB"),
        description="How much memory each decoder may use.",
    )
    video: VideoSettings = Field(
        default_factory=VideoSettings, description="What of a video is compared: single frames."
    )


class AttestationSettings(Section):
    """Our attestations, and those of others."""

    issue: bool = Field(default=True, description="Attest media in which our scanners found no known match.")
    lifetime: Duration = Field(
        default=written("14 days"),
        description="How long our attestations are valid.",
    )
    lookup: Literal["subscribers", "public", "off"] = Field(
        default="subscribers", description="Who may look up attestations by digest."
    )
    service: Literal["subscribers", "listed", "off"] = Field(
        default="subscribers",
        description=(
            "Who may submit media to have it attested before it is published: servers that subscribe, "
            "servers in `service_for`, or nobody."
        ),
    )
    service_for: tuple[Server, ...] = Field(
        default=(),
        description='Servers that may submit media when `service` is `listed`; "*.example" covers subdomains.',
    )
    service_quota: ByteSize = Field(
        default=written("2 MiB"),
        gt=0,
        description="How much one server may submit each second on average; more has to wait.",
    )
    status_list: bool = Field(
        default=False,
        description=(
            "Let each attestation name its place in a list at `/status-lists/` that tells whether it was "
            "retracted. Makes it a fifth longer, so fewer fit into a delivery."
        ),
    )
    withhold: Share = Field(
        default=written("1%"),
        description="Share of clean items left unattested at random, so that a missing one tells nothing.",
    )
    trusted: tuple[Issuer, ...] = Field(
        default=(), description="Issuers whose attestations count: actor ids or server names."
    )
    accepted_lists: tuple[AcceptedList, ...] = Field(
        default=(), description="Hash lists that an attestation must name to count; empty accepts any."
    )


class Settings(Section):
    """The whole configuration but its policy."""

    relay: RelaySettings = Field(default_factory=RelaySettings, description="The relay itself.")
    admin: AdminSettings = Field(
        default_factory=AdminSettings, description="The side that only the operator reaches."
    )
    federation: FederationSettings = Field(
        default_factory=FederationSettings, description="Who takes part, and how other servers are reached."
    )
    media: MediaSettings = Field(default_factory=MediaSettings, description="Fetching and decoding media.")
    scanners: tuple[KeeperSettings, ...] = Field(
        default=(CANARY,), description="Scanners, asked in this order; a match from any is a match."
    )
    hash_lists: HashListSettings = Field(
        default_factory=HashListSettings, description="What holds for all hash lists."
    )
    recall: RecallSettings = Field(
        default_factory=RecallSettings, description="Media that comes onto a list after it was relayed."
    )
    cloudflare: CloudflareSettings = Field(
        default_factory=CloudflareSettings,
        description="Whether Cloudflare's scanning tool is on; see docs/hash-services.md.",
    )
    attestation: AttestationSettings = Field(
        default_factory=AttestationSettings, description="Our attestations, and those of others."
    )
    alerts: AlertSettings = Field(
        default_factory=AlertSettings, description="Who is told when something needs a person."
    )
    brake: BrakeSettings = Field(
        default_factory=BrakeSettings,
        description=(
            "The brake for waves of spam: the same text or picture from many new accounts, floods of mentions, servers "
            "that post far more than they used to. It ends by itself."
        ),
    )
    webhooks: tuple[WebhookSettings, ...] = Field(
        default=(), description="Mastodon servers that send their posts to have them checked, never relayed."
    )
    transparency: TransparencySettings = Field(
        default_factory=TransparencySettings, description="What the public is told."
    )
    lab: LabSettings = Field(
        default_factory=LabSettings,
        description=(
            "The interop lab at `/lab`, for people who implement attestations. Strangers cannot make the relay do "
            "anything there that they cannot at `/inbox`: it fetches actor documents through the same wall, never "
            "media, it scans nothing, and all that it keeps is bounded and ends by itself."
        ),
    )
    scan_api: ScanApiSettings = Field(
        default_factory=ScanApiSettings, description="Checking files for media servers; see docs/scan.md."
    )
    why: WhySettings = Field(
        default_factory=WhySettings,
        description="What others are told at `/why` of why a post was relayed or not; see docs/why.md.",
    )
    submit: SubmitSettings = SUBMIT


LATER_KEYS = frozenset(
    {
        "evidence",
        "reports",
    }
)
"""Keys of the design that this version does not know yet."""


def names_in(settings: Settings) -> tuple[list[str], list[str]]:
    """The names that a policy may give for hash lists, and for whom to tell."""
    scanners = [scanner.name for scanner in settings.scanners]
    return scanners, [channel.name for channel in settings.alerts.channels]


def database_path(settings: Settings) -> Path | None:
    """The file of the embedded database, or None when the database is a server."""
    database = settings.relay.database
    if database == "sqlite":
        return settings.relay.data / "relay.sqlite"
    kind, _, path = database.partition(":")
    return Path(path) if kind == "sqlite" else None
