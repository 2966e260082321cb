"""Everything that can be wrong, in one tree.

RelayError
├── Malformed          the input breaks a grammar: never worth repeating
├── TooLarge           the input is over a limit
├── Unauthorized       the signature does not show who sent this
├── KeyUnavailable     the key could not be fetched: the sender should try again (temporary)
├── Refused            understood and not allowed
├── NotFound           no such thing here
├── Conflict           the thing is not in a state in which this can be done
├── Busy               no room now (temporary)
├── Unavailable        the database cannot be reached (temporary)
│   └── Superseded     another process has taken this over
├── TooMany            more than this server may send in a time (temporary)
├── StoreTrouble       a file of a media store, or the store itself, cannot be read (temporary or not)
└── RemoteError        another server did not answer as it should (temporary or not)

Verification verdicts and scan outcomes are values, not exceptions.
"""

from __future__ import annotations


class RelayError(Exception):
    """Something the relay refuses or cannot do.

    `code` is stable and documented, `temporary` tells whether repeating may help. Without a message the
    docstring's first line is the message.
    """

    code: str = "error"
    temporary: bool = False

    def __init__(self, message: str | None = None, *, code: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or self.code).strip().split("\n", 1)[0])
        if code is not None:
            self.code = code


class Malformed(RelayError):
    """The input is malformed."""

    code = "malformed"


class TooLarge(RelayError):
    """The input is larger than allowed."""

    code = "too-large"


class Unauthorized(RelayError):
    """The request's signature does not show who sent it."""

    code = "unauthorized"


class KeyUnavailable(RelayError):
    """The sender's key could not be fetched; try again later."""

    code = "key-unavailable"
    temporary = True


class Refused(RelayError):
    """This is not allowed here."""

    code = "refused"


class NotFound(RelayError):
    """There is no such thing here."""

    code = "not-found"


class Conflict(RelayError):
    """This cannot be done in the present state."""

    code = "conflict"


class Busy(RelayError):
    """There is no room for this now; try again later."""

    code = "busy"
    temporary = True

    def __init__(self, message: str | None = None, *, retry_after: int = 30) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(RelayError):
    """The database cannot be reached; try again later."""

    code = "database"
    temporary = True
    retry_after = 30


class Superseded(Unavailable):
    """Another process has taken this over."""

    code = "superseded"


class TooMany(RelayError):
    """This server sends more than is accepted; try again later."""

    code = "rate-limited"
    temporary = True

    def __init__(self, message: str | None = None, *, retry_after: int = 60) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StoreTrouble(RelayError):
    """A media store cannot be read.

    Codes about a file: `gone`, `no-permission`, `too-large`, `not-a-file`, `archived`, `unreadable`; about the store,
    temporary: `unreachable`, `no-credentials`, `no-bucket`, `refused`.
    """

    code = "unreadable"

    def __init__(self, message: str | None = None, *, code: str, temporary: bool = False) -> None:
        super().__init__(message, code=code)
        self.temporary = temporary


class RemoteError(RelayError):
    """Another server did not answer as it should.

    `status` is the HTTP status if one came, `retry_after` the seconds it asked for.
    Codes: `unreachable`, `timeout`, `blocked-address`, `bad-redirect`, `too-large`, `status`, `bad-type`,
    `bad-document`, `wrong-id`, `tls`.
    """

    code = "unreachable"

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str = "unreachable",
        temporary: bool = True,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.temporary = temporary
        self.status = status
        self.retry_after = retry_after

    def again(self) -> RemoteError:
        """The same error anew, to be kept or raised.

        One that was raised holds on to every frame that it passed, and to more of them each time it is raised again.
        """
        return RemoteError(
            str(self),
            code=self.code,
            temporary=self.temporary,
            status=self.status,
            retry_after=self.retry_after,
        )
