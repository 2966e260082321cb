"""A mail server on the loopback: a real implementation of SMTP that does as it is told."""

from __future__ import annotations

import asyncio
import warnings
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator
    from email.message import EmailMessage

    from aiosmtpd.smtp import Envelope, Session

USER, PASSWORD = "relay", "a secret"


@dataclass
class MailHouse:
    """The server: its port, what it took, what it says instead of taking anything or anybody."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    answer: str = "250 taken"
    strangers: frozenset[str] = frozenset()
    encrypted: list[bool] = field(default_factory=list)
    greeted_by: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient or not."""
        if address in self.strangers:
            return "550 5.1.1 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a mail or not."""
        if self.answer.startswith("2"):
            content = envelope.content
            assert isinstance(content, bytes)
            self.mails.append(message_from_bytes(content, policy=policy.default))
            self.recipients += envelope.rcpt_tos
            self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
            self.greeted_by.append(str(session.host_name))
        return self.answer


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
) -> AuthResult:
    known = isinstance(data, LoginPassword) and (data.login, data.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=known, handled=False)


@asynccontextmanager
async def mail_house(
    *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, login: bool = False
) -> AsyncIterator[MailHouse]:
    """Run the server. `starttls` is offered and needed; `tls` is spoken from the first byte; `login` is needed."""
    house = MailHouse()
    loop = asyncio.get_running_loop()
    options = {"authenticator": _authenticate, "auth_required": True} if login else {}
    if login and starttls is None:
        options["auth_require_tls"] = False

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it does not see TLS from the first byte
            return SMTP(
                house,
                hostname="mail.test",
                tls_context=starttls,
                require_starttls=starttls is not None,
                loop=loop,
                **options,
            )

    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls)
    house.port = server.sockets[0].getsockname()[1]
    try:
        yield house
    finally:
        server.close()
        await server.wait_closed()
