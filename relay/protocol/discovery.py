"""How others find the relay: WebFinger, NodeInfo, host-meta.

Source: RFC 7033, RFC 6415, NodeInfo 2.0 and 2.1 (FEP-0151), FEP-ae0c (a relay MUST be found by WebFinger).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import quoteattr

from relay.domain.attachments import flat
from relay.domain.errors import Malformed
from relay.domain.hosts import is_http_url, parse_pattern, server_name
from relay.domain.software import software_named

if TYPE_CHECKING:
    from relay.domain.software import Software
    from relay.protocol.documents import Json

WEBFINGER_TYPE: Final = "application/jrd+json"
HOST_META_TYPE: Final = "application/xrd+xml"
NODEINFO_VERSIONS: Final = ("2.0", "2.1")

_SCHEMA: Final = "http://nodeinfo.diaspora.software/ns/schema/"
_READ: Final = frozenset({"1.0", "1.1", "2.0", "2.1", "2.2"})
_AS2_TYPES: Final = (
    "application/activity+json",
    'application/ld+json; profile="https://www.w3.org/ns/activitystreams"',
)
_MAX_RESOURCE: Final = 2048


def webfinger(resource: str, *, url: str) -> Json | None:
    """The JRD for `resource`, or None when it is not the relay. `url` is the public origin.

    Found are `acct:relay@host`, with the port written or left out where it is not the default, in any case,
    and the actor's URL (RFC 7033 4.5). `self` is the actor id to the letter: Mastodon compares.
    """
    server, actor = server_name(url), f"{url}/actor"
    if resource != actor and not _is_account(resource, server):
        return None
    return {
        "subject": f"acct:relay@{server}",
        "aliases": [actor, f"{url}/"],
        "links": [
            *({"rel": "self", "type": media_type, "href": actor} for media_type in _AS2_TYPES),
            {"rel": "http://webfinger.net/rel/profile-page", "type": "text/html", "href": f"{url}/"},
        ],
    }


def nodeinfo_links(*, url: str) -> Json:
    """The link document at `/.well-known/nodeinfo`."""
    return {
        "links": [
            {"rel": f"{_SCHEMA}{version}", "href": f"{url}/nodeinfo/{version}"}
            for version in NODEINFO_VERSIONS
        ]
    }


def nodeinfo_type(version: str) -> str:
    """The Content-Type of a NodeInfo document."""
    return f'application/json; profile="{_SCHEMA}{version}#"'


def nodeinfo(
    version: str,
    *,
    software_version: str,
    repository: str,
    is_open: bool,
    metadata: Mapping[str, object],
) -> Json | None:
    """The NodeInfo document of `version`, or None for one that we do not speak.

    `is_open` is whether anybody may subscribe without asking; `metadata` is free. A relay has no users.
    """
    if version not in NODEINFO_VERSIONS:
        return None
    software = {"name": "assay", "version": software_version}
    return {
        "version": version,
        "software": software | ({"repository": repository} if version == "2.1" else {}),
        "protocols": ["activitypub"],
        "services": {"inbound": [], "outbound": []},
        "openRegistrations": is_open,
        "usage": {"users": {"total": 0, "activeMonth": 0, "activeHalfyear": 0}, "localPosts": 0},
        "metadata": dict(metadata),
    }


def nodeinfo_address(links: object) -> str | None:
    """Where the newest NodeInfo is that a link document names, of version 1.0 to 2.2; None without one. Total."""
    found: dict[str, str] = {}
    for link in flat(links.get("links")) if isinstance(links, Mapping) else ():
        if isinstance(link, Mapping):
            version, href = str(link.get("rel", "")).removeprefix(_SCHEMA), link.get("href")
            if version in _READ and isinstance(href, str) and is_http_url(href):
                found[version] = href
    return found[max(found)] if found else None


def software_in(document: object) -> Software | None:
    """The software that a NodeInfo document names; None when it names none. Total."""
    software = document.get("software") if isinstance(document, Mapping) else None
    if not isinstance(software, Mapping):
        return None
    return software_named(software.get("name"), software.get("version"))


def host_meta(*, url: str) -> str:
    """The XRD at `/.well-known/host-meta` (RFC 6415 2)."""
    template = quoteattr(f"{url}/.well-known/webfinger?resource={{uri}}")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">\n'
        f'  <Link rel="lrdd" type="{WEBFINGER_TYPE}" template={template}/>\n'
        "</XRD>\n"
    )


def _is_account(resource: str, server: str) -> bool:
    """Whether this is `acct:relay@` and our server (RFC 7565 7: scheme and host in any case)."""
    scheme, _, account = resource[:_MAX_RESOURCE].partition(":")
    user, separator, host = account.partition("@")
    if scheme.lower() != "acct" or not separator or user.lower() != "relay":
        return False
    try:
        found = parse_pattern(host)
    except Malformed:
        return False
    return found in {server, server.rpartition(":")[0] or server}
