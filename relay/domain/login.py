"""How an admin of a subscriber shows who he is: a code that only somebody who runs the server can put somewhere.

A login begins with a code. It is proven when the server's actor signs a request to the address that holds the code, or
when the code stands in the server's public description. Then it is opened once, as a session with a secret of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CODE_LASTS: Final = 3600.0
"""Seconds in which a code has to be shown: servers let others keep their description for half an hour."""
SESSION_LASTS: Final = 1800.0
"""Seconds of a session."""
MOST_LOOKS: Final = 30
"""How often the description is looked at for one code."""
MOST_OF_ONE_SERVER: Final = 20
"""Codes for one server that are valid at a time: anybody can ask for one."""
MOST: Final = 2_000
"""Codes and sessions of all servers."""


@dataclass(frozen=True, slots=True)
class Login:
    """A login, from the code to the end of the session. Times are seconds since the epoch.

    `token` is the SHA-256, in hex, of the secret in the admin's browser, `nonce` the code, None once it was shown.
    `actor` is who signed; None, once it is proven, for somebody who may speak for the whole server. `looks` counts how
    often the description was looked at.
    """

    token: str
    nonce: str | None
    server: str
    created_at: float
    expires_at: float
    actor: str | None = None
    proven: bool = False
    opened: bool = False
    looks: int = 0

    def speaks_for(self, server: str, actor: str) -> bool:
        """Whether a session may see and change the subscription of that actor on that server."""
        return self.opened and server == self.server and self.actor in {None, actor}
