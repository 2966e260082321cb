"""Who the relay is: every address that is built from its public origin, in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Identity:
    """The relay's own names. `url` is the public origin without a slash at the end; `server` its name.

    `name` and `summary` may be replaced while running; all others never change.
    """

    url: str
    server: str
    name: str
    summary: str
    version: str

    @property
    def actor(self) -> str:
        """The id of the relay actor (relays.md B3: path `/actor`, nick `relay`)."""
        return f"{self.url}/actor"

    @property
    def key_id(self) -> str:
        """The id of the RSA key; Pleroma derives the actor from it."""
        return f"{self.actor}#main-key"

    @property
    def inbox(self) -> str:
        """The inbox: byte for byte what admins type into Mastodon."""
        return f"{self.url}/inbox"

    @property
    def followers(self) -> str:
        """The followers collection, which our Announces are addressed to."""
        return f"{self.url}/followers"

    @property
    def lookup(self) -> str:
        """The prefix at which attestations are looked up by digest."""
        return f"{self.url}/media-attestations/sha256/"

    def new_id(self, name: str) -> str:
        """Make an activity id of an unguessable name: Mastodon matches Accept by it alone."""
        return f"{self.url}/activities/{name}"
