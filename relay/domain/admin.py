"""How operators show who they are to the admin pages: a link that is good once, and a session after it.

There is one account so far. Each link and session names its account, so that there can be others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ADMIN: Final = "admin"
"""The account of whoever runs the relay; what it does is written down under this name."""
LINK_LASTS: Final = 15 * 60.0
"""Seconds in which a sign-in link has to be used."""
IDLE_LASTS: Final = 2 * 3600.0
"""Seconds after which a session that nobody uses has ended."""
SESSION_LASTS: Final = 12 * 3600.0
"""Seconds after which every session has ended."""
MOST_SESSIONS: Final = 20
"""Sessions of one account at a time; the one that was used longest ago goes first."""
MOST_LINKS: Final = 20
"""Links that can be used at a time; the oldest goes first."""


@dataclass(frozen=True, slots=True)
class AdminSession:
    """Somebody who is signed in. Times are seconds since the epoch.

    `token` is the SHA-256, in hex, of the secret in the browser; `agent` what the browser calls itself, shortened.
    """

    id: int
    token: str
    who: str
    created_at: float
    used_at: float
    expires_at: float
    agent: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy that an admin is writing, whether it makes sense or not.

    `base` is the `id` of the policy that was in force when it was begun; `revision` grows with every change.
    """

    text: str
    base: str
    changed_at: float
    revision: int
