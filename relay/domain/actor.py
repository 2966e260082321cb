"""Actors: who sends, and with which keys.

Source: ActivityPub 4.1, FEP-521a for `assertionMethod`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ActorKey:
    """A key for HTTP signatures: its id, the actor that owns it, and the public key in PEM."""

    id: str
    owner: str
    pem: str


@dataclass(frozen=True, slots=True)
class Actor:
    """An actor as its own server describes it.

    `keys` are those that the actor lists as its own, on its own origin. `assertion_methods` are the members
    of `assertionMethod` as they stand: Multikey objects, or ids of keys that are described elsewhere.
    """

    id: str
    type: str
    preferred_username: str | None
    name: str | None
    inbox: str
    shared_inbox: str | None
    followers: str | None
    keys: tuple[ActorKey, ...]
    assertion_methods: tuple[Mapping[str, object] | str, ...] = ()
