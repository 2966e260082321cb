"""What can be wrong with channels beyond the form of each."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from relay.config.problems import span_at

if TYPE_CHECKING:
    from relay.config.diagnostics import Findings
    from relay.config.document import Mapping
    from relay.config.settings import Settings


def check_channels(settings: Settings, root: Mapping, findings: Findings) -> None:
    """Add an error for a name that is there twice, and a warning for an address that everybody on the way can read."""
    names = set[str]()
    for place, channel in enumerate(settings.alerts.channels):
        where, path = ("alerts", "channels", place), f"alerts.channels.{place}"
        if channel.name in names:
            cause = f'there is another channel "{channel.name}" above'
            span = span_at(root, *where, "name")
            findings.error("C305", f"{path}.name", span, cause, fix="Give each its own name.")
        names.add(channel.name)
        if channel.url is not None and not _stays_private(channel.url):
            cause = f'alerts to channel "{channel.name}" can be read on their way'
            fix = "Write an address that begins with https://"
            findings.warn("C402", f"{path}.url", span_at(root, *where, "url"), cause, fix=fix)


def _stays_private(url: str) -> bool:
    """Whether what is sent there is encrypted, or stays on this machine or in a private network by its looks."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https" or "." not in host.strip("."):  # names without a dot are of the local network
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host.endswith((".internal", ".local", ".lan", ".home.arpa"))
