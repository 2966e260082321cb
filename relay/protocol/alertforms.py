"""What a message looks like to those who receive it: web hooks of several kinds, ntfy, mail.

The JSON of our own and its signature follow Standard Webhooks 1.0 (standardwebhooks.com), for which there are libraries
in most languages: `webhook-id` is the same at every attempt, `webhook-signature` covers id, time and body.
"""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode, b64encode
from dataclasses import dataclass
from email.header import Header
from email.message import EmailMessage
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final

from relay.protocol.documents import dump, timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.alerts import Message

VERSION: Final = 1
"""Version of our own JSON: members may be added to it, and none is renamed or removed without another number."""
SHORTEST_KEY: Final = 24
LONGEST_KEY: Final = 64
"""Bytes of a key (Standard Webhooks, "Signature scheme")."""
DISCORD_MOST: Final = 2_000
"""Characters that Discord takes."""
NTFY_MOST: Final = 4_000
"""Bytes of a message that ntfy shows as one (4,096) and does not make a file of."""
_PREFIX: Final = "whsec_"


@dataclass(frozen=True, slots=True)
class From:
    """Who sends: origin, name and host name of the relay, and where the operator reaches its admin pages."""

    url: str
    name: str
    host: str
    link: str | None = None


def secret_bytes(text: str) -> bytes:
    """The key that a configured secret stands for. Raises ValueError for one that is too short, too long, no base64."""
    try:
        encoded = text.removeprefix(_PREFIX)
        key = b64decode(encoded, validate=True) if text.startswith(_PREFIX) else text.encode()
    except (binascii.Error, ValueError):
        raise ValueError("is not a key; after whsec_ comes base64") from None
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise ValueError(f"is not a key; write {SHORTEST_KEY} to {LONGEST_KEY} bytes that nobody can guess")
    return key


def signed(key: bytes | None, message: Message, body: bytes, now: float) -> dict[str, str]:
    """The headers of Standard Webhooks for a body; without a key there is no signature. `now` is of this attempt."""
    headers = {"webhook-id": message.key, "webhook-timestamp": str(int(now))}
    if key is not None:
        covered = b".".join((message.key.encode(), headers["webhook-timestamp"].encode(), body))
        headers["webhook-signature"] = "v1," + b64encode(hmac.digest(key, covered, "sha256")).decode()
    return headers


def json_form(message: Message, sender: From) -> bytes:
    """Our own JSON, as docs/alerts.md documents it. The same bytes at every attempt."""
    data: dict[str, Any] = {
        "id": message.key,
        "relay": sender.url,
        "channel": message.channel,
        "title": message.title,
        "text": message.text,
        "urgent": message.urgent,
        "count": message.count,
        "link": sender.link,
        "alerts": [
            {
                "title": alert.title,
                "text": alert.text,
                "about": alert.about or None,
                "at": timestamp(message.created_at if alert.at is None else alert.at),
            }
            for alert in message.alerts
        ],
    }
    return dump(
        {
            "type": f"alert.{message.kind}",
            "version": VERSION,
            "timestamp": timestamp(message.sealed_at),
            "data": data,
        }
    )


def text_form(message: Message, sender: From) -> bytes:
    """What Slack takes, and Mattermost, Rocket.Chat and others after it."""
    text = _plain(message, sender)
    # Slack: these three are written as entities, so that <!channel> is text. Nobody else is called either.
    for letter, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("@", "@\u200b")):
        text = text.replace(letter, entity)
    return dump({"text": text})


def discord_form(message: Message, sender: From) -> bytes:
    """What Discord takes. Nobody is mentioned, whatever the text says."""
    return dump({"content": _plain(message, sender)[:DISCORD_MOST], "allowed_mentions": {"parse": []}})


def matrix_form(message: Message, sender: From) -> bytes:
    """What the generic web hooks of matrix-hookshot take."""
    return dump({"text": _plain(message, sender), "username": sender.name})


FORMS: Final = {"json": json_form, "text": text_form, "discord": discord_form, "matrix": matrix_form}
"""The bodies of web hooks, by `format`."""


def ntfy_form(message: Message, sender: From) -> tuple[dict[str, str], bytes]:
    """Headers and body for a topic of ntfy (docs.ntfy.sh/publish)."""
    title = f"{sender.name}: {message.title}"
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Title": title if title.isascii() else Header(title, "utf-8", maxlinelen=1_000).encode(),
        "Priority": "high" if message.urgent else "default",
        "Tags": f"{'rotating_light' if message.urgent else 'bell'},{message.kind}",
        **({"Click": sender.link} if sender.link else {}),
    }
    return headers, message.text.encode()[:NTFY_MOST].decode(errors="ignore").encode()


def mail_form(message: Message, sender: From, *, address: str, to: Sequence[str]) -> EmailMessage:
    """A mail in plain text. Its `Message-ID` is the same at every attempt, so that mail servers drop repeats."""
    mail = EmailMessage()
    mail["From"], mail["To"] = address, ", ".join(to)
    mail["Subject"] = f"[{sender.name}] {message.title}"
    mail["Date"] = formatdate(message.sealed_at, usegmt=True)
    mail["Message-ID"] = f"<{message.key}@{sender.host}>"  # RFC 5322 3.6.4
    mail["List-Id"] = f"<{message.channel}.alerts.{sender.host}>"  # RFC 2919 2
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834 5.1: nobody answers with an absence note
    mail["X-Auto-Response-Suppress"] = "All"  # the same for Exchange
    lines = [message.text, *([sender.link] if sender.link else [])]
    mail.set_content("\n\n".join(lines) + f"\n\n-- \n{sender.name}, {sender.url}\n")
    return mail


def _plain(message: Message, sender: From) -> str:
    return "\n".join(
        [f"{sender.name}: {message.title}", message.text, *([sender.link] if sender.link else [])]
    )
