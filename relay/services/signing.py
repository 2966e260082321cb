"""Requests signed by the relay actor: single POSTs of our own messages, and GETs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.protocol.documents import CONTENT_TYPE
from relay.protocol.httpsig import (
    COVERED_GET,
    COVERED_POST,
    COVERED_POST_ATTESTED,
    Target,
    body_digest,
    get_string,
    http_date,
    post_string,
    signature_header,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.remote import Posted
    from relay.ports import Clock, Remote, Signer


def signed_headers(
    target: Target, date: str, digest: str, attestations: str | None, key_id: str, signature: bytes
) -> dict[str, str]:
    """Put together the headers of a signed POST, in the order in which they are covered."""
    headers = {
        "Host": target.host,
        "Date": date,
        "Digest": digest,
        "Content-Type": CONTENT_TYPE,
    }
    if attestations is None:
        headers["Signature"] = signature_header(key_id, COVERED_POST, signature)
    else:
        headers["Media-Attestation"] = attestations
        headers["Signature"] = signature_header(key_id, COVERED_POST_ATTESTED, signature)
    return headers


class Signing:
    """Signs requests one at a time, for everything but the fan-out."""

    def __init__(self, signer: Signer, remote: Remote, clock: Clock) -> None:
        self._signer, self._remote, self._clock = signer, remote, clock

    async def get_headers(self, url: str) -> Mapping[str, str]:
        """Return the headers that sign a GET of `url` (servers in secure mode answer no others)."""
        target, date = Target.of(url), http_date(self._clock.now())
        [signature] = await self._signer.sign_many([get_string(target, date)])
        header = signature_header(self._signer.key_id, COVERED_GET, signature)
        return {"Host": target.host, "Date": date, "Signature": header}

    async def post(self, inbox: str, body: bytes, timeout: float) -> Posted:
        """Sign and send one message. Raises `RemoteError`."""
        target, date, digest = Target.of(inbox), http_date(self._clock.now()), body_digest(body)
        message = post_string(target, date, digest, CONTENT_TYPE, None)
        [signature] = await self._signer.sign_many([message])
        headers = signed_headers(target, date, digest, None, self._signer.key_id, signature)
        return await self._remote.post(target.url, headers=headers, body=body, timeout=timeout)
