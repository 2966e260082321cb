"""The relay's own actor document: made when the relay starts, and anew when its name or its keys change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mediaattest import describe_key
from relay.protocol.documents import PROFILE, dump, relay_actor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mediaattest import IssuerKey
    from relay.services.identity import Identity


class Profile:
    """The actor document. `document` is replaced as a whole: whoever serves it sees one or the other."""

    def __init__(self, identity: Identity, public_key_pem: str, keys: Sequence[IssuerKey]) -> None:
        self._identity, self._public_key_pem = identity, public_key_pem
        self.document = b""
        self._keys = keys
        self.renew()

    def publish(self, keys: Sequence[IssuerKey]) -> None:
        """Make the document anew with these attestation keys."""
        self._keys = keys
        self.renew()

    def renew(self) -> None:
        """Make the document anew, with the names that the relay has now."""
        identity = self._identity
        self.document = dump(
            relay_actor(
                url=identity.url,
                name=identity.name,
                summary=identity.summary,
                public_key_pem=self._public_key_pem,
                assertion_methods=[describe_key(key) for key in self._keys],
                implements=[(PROFILE, "Media Attestation v1")],
            )
        )
