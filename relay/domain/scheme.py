"""How requests to other servers are signed: two ways that are in use, and which answers mean "not like that"."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Scheme(StrEnum):
    """A way to sign a request. Every server takes one of them, the older ones only the draft."""

    DRAFT = "draft-cavage"
    """draft-cavage-http-signatures-12."""
    RFC9421 = "rfc9421"
    """HTTP message signatures."""

    @property
    def other(self) -> Scheme:
        """The one that is left to try."""
        return Scheme.DRAFT if self is Scheme.RFC9421 else Scheme.RFC9421


REFUSALS: Final = frozenset({400, 401, 403})
"""Statuses by which servers refuse a signature that they do not understand."""
