"""Web hooks and ntfy: one POST to the address that the operator configured.

They need a `Remote` of their own. The relay's other one reaches only public addresses, because strangers choose them;
these are chosen by the operator and often in a private network. `CHANNELS` is the wall around them: names are the
operator's, and still none of them may lead to what hands out a cloud machine's credentials.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Final

from relay.adapters.guard import AddressPolicy
from relay.domain.alerts import Answer
from relay.protocol.alertforms import FORMS, ntfy_form, signed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.alerts import Message
    from relay.ports import Clock, Remote
    from relay.protocol.alertforms import From

TIMEOUT: Final = 15.0
SHOWN: Final = 200
"""Characters of an answer that are kept for the operator."""

CHANNELS: Final = AddressPolicy(
    allowed_private=(IPv4Network("0.0.0.0/0"), IPv6Network("::/0")),
    own_addresses=(
        IPv4Network("0.0.0.0/8"),  # RFC 791: this network
        IPv4Network("168.63.129.16/32"),  # Azure's platform service
        IPv4Network("169.254.0.0/16"),  # RFC 3927: link-local, and most clouds' metadata services
        IPv4Network("192.0.0.192/32"),  # Oracle's metadata service
        IPv6Network("::/128"),  # RFC 4291 2.5.2: unspecified
        IPv6Network("::ffff:0:0/96"),  # RFC 4291 2.5.5.2: an IPv4 address that no rule above would see
        IPv6Network("fd00:ec2::/32"),  # Amazon's metadata service
        IPv6Network("fe80::/10"),  # RFC 4291 2.5.6: link-local
    ),
)
"""Where the address of a channel may lead: everywhere but to such services."""


class WebHook:
    """Port `Channel`: a web hook that takes one of `FORMS`, signed with `key` if there is one."""

    def __init__(
        self,
        name: str,
        remote: Remote,
        clock: Clock,
        sender: From,
        *,
        url: str,
        form: str,
        token: str | None,
        key: bytes | None,
    ) -> None:
        self.name = name
        self._remote, self._clock, self._sender = remote, clock, sender
        self._url, self._form, self._key = url, FORMS[form], key
        self._headers = {"Content-Type": "application/json", **_authorization(token)}

    async def send(self, message: Message) -> Answer:
        """Post the message once."""
        body = self._form(message, self._sender)
        headers = self._headers | signed(self._key, message, body, self._clock.now())
        return await _posted(self._remote, self._url, headers, body)


class Ntfy:
    """Port `Channel`: a topic of an ntfy server, given by its address."""

    def __init__(self, name: str, remote: Remote, sender: From, *, url: str, token: str | None) -> None:
        self.name = name
        self._remote, self._sender, self._url = remote, sender, url
        self._headers = _authorization(token)

    async def send(self, message: Message) -> Answer:
        """Publish the message once."""
        headers, body = ntfy_form(message, self._sender)
        return await _posted(self._remote, self._url, headers | self._headers, body)


def _authorization(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


async def _posted(remote: Remote, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Post; nothing but 2xx is taken for an arrival, a redirect neither: nobody sends secrets after it."""
    posted = await remote.post(url, headers=headers, body=body, timeout=TIMEOUT)
    said = f": {posted.detail[:SHOWN]}" if posted.detail else ""
    return Answer(200 <= posted.status < 300, f"status {posted.status}{said}", posted.retry_after)
