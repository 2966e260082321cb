"""The documents of a temporary inbox of the lab: its actor, and how it is found by name (RFC 7033).

One address is the actor's id, its inbox, and the page that people look at; its token is all that is needed to see what
came. The actor is marked as a test.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from relay.domain import hosts
from relay.protocol.documents import AS2, NAMESPACE, SECURITY, timestamp

if TYPE_CHECKING:
    from relay.domain.lab.inbox import TemporaryInbox
    from relay.protocol.documents import Json

PATH: Final = "/lab/inbox"
TOKEN: Final = re.compile(r"[0-9a-f]{32}")
_USER: Final = "lab-"
_TYPES: Final = ("application/activity+json", f'application/ld+json; profile="{AS2}"')


def inbox_id(token: str, *, url: str) -> str:
    """The address of a temporary inbox. `url` is the public origin."""
    return f"{url}{PATH}/{token}"


def key_id(token: str, *, url: str) -> str:
    """The id of its key."""
    return f"{inbox_id(token, url=url)}#main-key"


def handle(token: str, *, url: str) -> str:
    """Its name as people write it: `@lab-…@relay.example`."""
    return f"@{_USER}{token}@{hosts.server_name(url)}"


def actor(inbox: TemporaryInbox, *, url: str) -> Json:
    """The actor's document (ActivityPub 4.1)."""
    me = inbox_id(inbox.token, url=url)
    return {
        "@context": [AS2, SECURITY, {"assay": NAMESPACE, "test": "assay:test"}],
        "id": me,
        "type": "Application",
        "preferredUsername": f"{_USER}{inbox.token}",
        "name": "A temporary inbox of the Assay lab",
        "summary": "Shows what it is sent to whoever knows its address, and is gone soon.",
        "url": me,
        "inbox": me,
        "outbox": f"{me}/outbox",
        "followers": f"{me}/followers",
        "following": f"{me}/following",
        "published": timestamp(inbox.created_at),
        "manuallyApprovesFollowers": False,
        "publicKey": {"id": key_id(inbox.token, url=url), "owner": me, "publicKeyPem": inbox.public_pem},
        "test": True,
    }


def token_in(resource: str, *, url: str) -> str | None:
    """The token that a WebFinger resource names: `acct:lab-…@host`, or the actor's id. Total."""
    if resource.startswith(f"{url}{PATH}/"):
        found = resource.removeprefix(f"{url}{PATH}/")
    else:
        scheme, _, account = resource.partition(":")
        user, _, server = account.removeprefix("@").partition("@")
        names = {hosts.server_name(url), hosts.server_name(url).partition(":")[0]}
        if scheme.lower() != "acct" or server.lower() not in names or not user.lower().startswith(_USER):
            return None
        found = user.lower().removeprefix(_USER)
    return found if TOKEN.fullmatch(found) else None


def webfinger(token: str, *, url: str) -> Json:
    """The JRD of a temporary inbox."""
    me = inbox_id(token, url=url)
    return {
        "subject": f"acct:{handle(token, url=url)[1:]}",
        "aliases": [me],
        "links": [
            *({"rel": "self", "type": media_type, "href": me} for media_type in _TYPES),
            {"rel": "http://webfinger.net/rel/profile-page", "type": "text/html", "href": me},
        ],
    }
