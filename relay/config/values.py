"""From settings to the values that services are made of."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from relay.config.settings import database_path
from relay.domain.alerts import AlertKind, ChannelRules
from relay.domain.blocklist import Blocklist, Effect, ListFormat
from relay.services.arrival import ReceiveRules
from relay.services.attestations import IssueRules, Trust
from relay.services.filechecks import CheckRules
from relay.services.inquiry import InquiryRules
from relay.services.inspect import MediaLimits
from relay.services.lab.rules import LabRules
from relay.services.room import Room
from relay.services.submissions import ServiceRules
from relay.services.tracks import FanOutLimits

if TYPE_CHECKING:
    from relay.config.settings import Settings


def trust(settings: Settings) -> Trust:
    """Whose attestations count."""
    accepted = frozenset(settings.attestation.accepted_lists) or None
    return Trust(frozenset(settings.attestation.trusted), accepted)


def issue_rules(settings: Settings) -> IssueRules:
    """What is attested. Attestations need an https actor id: a relay on plain http, for tests, issues none."""
    return IssueRules(
        enabled=settings.attestation.issue and settings.relay.url.startswith("https://"),
        lifetime=int(settings.attestation.lifetime.total_seconds()),
        withhold=settings.attestation.withhold,
        status_list=settings.attestation.status_list,
    )


def media_limits(settings: Settings) -> MediaLimits:
    """How large media may be, and how long fetching may take."""
    return MediaLimits(settings.media.max_size, settings.media.fetch_timeout.total_seconds())


def catch_up_rate(settings: Settings) -> float | None:
    """Old posts per second to a subscriber that was away; None for any number."""
    rate = settings.federation.catch_up
    return None if rate is None else rate.count / rate.seconds


MOST_SIGNERS: Final = 8
"""Processes that sign for one event loop: it keeps no more of them busy (docs/scaling.md)."""


def processes(settings: Settings, cores: int) -> int:
    """Processes of the relay on this host, for `relay.workers`; on a file there is one."""
    return 1 if database_path(settings) is not None else settings.relay.workers or cores


def signers(settings: Settings, cores: int) -> int:
    """Processes that sign for each process of the relay: its part of the cores."""
    return min(MOST_SIGNERS, math.ceil(cores / processes(settings, cores)))


def fan_out_limits(settings: Settings, cores: int) -> FanOutLimits:
    """How long the log is kept, how fast subscribers catch up, and batches enough to keep all signers busy."""
    retention = settings.federation.retention.total_seconds()
    feeders = signers(settings, cores) + 1
    return FanOutLimits(retention=retention, catch_up=catch_up_rate(settings), feeders=feeders)


BURST: Final = 30
"""Seconds of its quota that a server may submit at once, and one file of any size at least."""
HELD: Final = (6, 2)
"""How many of the largest files of submitters may be in memory: of everybody, and of one server."""


def service_rules(settings: Settings) -> ServiceRules:
    """Who may submit media to be attested, and how much."""
    attestation, largest = settings.attestation, settings.media.max_size
    return ServiceRules(
        who=attestation.service,
        listed=attestation.service_for,
        rate=attestation.service_quota,
        burst=max(BURST * attestation.service_quota, largest),
        largest=largest,
        allow_http=settings.federation.allow_http,
    )


def room(settings: Settings) -> Room:
    """How much of what was submitted may be in memory."""
    everybody, one = HELD
    return Room(most=everybody * settings.media.max_size, most_of_one=one * settings.media.max_size)


def receive_rules(settings: Settings) -> ReceiveRules:
    """What the operator lets in."""
    return ReceiveRules(
        anyone=settings.federation.publish_from == "anyone",
        unlisted=settings.federation.relay_unlisted,
    )


def blocklists(settings: Settings) -> tuple[Blocklist, ...]:
    """The lists of servers that others keep."""
    return tuple(
        Blocklist(
            name=one.label,
            place=one.url or str(one.file),
            format=ListFormat(one.format),
            refresh=one.refresh.total_seconds(),
            action=Effect(one.action),
            is_file=one.file is not None,
        )
        for one in settings.federation.blocklists
    )


def lab_rules(settings: Settings) -> LabRules:
    """How much the lab does for strangers."""
    lab = settings.lab
    return LabRules(
        inboxes=lab.inboxes,
        inbox_life=lab.inbox_life.total_seconds(),
        reports=lab.reports,
        report_life=lab.report_life.total_seconds(),
        rate=lab.rate,
        rate_of_all=lab.rate_of_all,
    )


def channel_rules(settings: Settings) -> list[ChannelRules]:
    """Say who is told of what."""
    return [
        ChannelRules(
            one.name, one.kind, frozenset(AlertKind(event) for event in one.events), one.quiet.total_seconds()
        )
        for one in settings.alerts.channels
    ]


def inquiry_rules(settings: Settings) -> InquiryRules:
    """How often others may ask why."""
    why = settings.why
    return InquiryRules(public=why.public, rate=why.rate, rate_of_all=why.rate_of_all)


def check_rules(settings: Settings) -> CheckRules:
    """Who may have files checked, and what is answered."""
    api = settings.scan_api
    return CheckRules(
        tokens={one.name: one.token for one in api.clients},
        accepts_unknown=api.on_unknown == "accept",
        largest=settings.media.max_size if api.max_size is None else api.max_size,
        patience=api.time_limit.total_seconds(),
        rate=api.rate,
    )
