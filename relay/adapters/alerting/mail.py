"""Mail by SMTP, encrypted unless the server is on this machine."""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aiosmtplib

from relay.adapters.inside import refuse_in_transaction
from relay.domain.alerts import Answer
from relay.domain.errors import RemoteError
from relay.protocol.alertforms import mail_form

if TYPE_CHECKING:
    from pathlib import Path

    from relay.domain.alerts import Message
    from relay.protocol.alertforms import From

TIMEOUT: Final = 25.0
"""Seconds for a whole mail: greeting lines of mail servers are slow on purpose."""
SHOWN: Final = 200
"""Characters of an answer that are kept for the operator."""

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in. `tls`: `starttls`, `tls` from the first byte, or `none`.

    `ca_file`: PEM of authorities in addition to the system's.
    """

    host: str
    port: int
    tls: str
    user: str | None = None
    password: str | None = None
    ca_file: Path | None = None


class Mail:
    """Port `Channel`: mails from one address to some."""

    def __init__(
        self, name: str, sender: From, server: MailServer, *, address: str, to: tuple[str, ...]
    ) -> None:
        self.name = name
        self._sender, self._server, self._address, self._to = sender, server, address, to
        self._context = ssl.create_default_context()
        if server.ca_file is not None:
            self._context.load_verify_locations(cafile=server.ca_file)

    async def send(self, message: Message) -> Answer:
        """Hand in the mail once."""
        refuse_in_transaction()
        mail, server = mail_form(message, self._sender, address=self._address, to=self._to), self._server
        try:
            async with asyncio.timeout(TIMEOUT):
                refused, said = await aiosmtplib.send(
                    mail,
                    hostname=server.host,
                    port=server.port,
                    username=server.user,
                    password=server.password,
                    local_hostname=self._sender.host,  # else the machine's own name, after a look into DNS
                    use_tls=server.tls == "tls",
                    start_tls=server.tls == "starttls",
                    tls_context=None if server.tls == "none" else self._context,
                    timeout=TIMEOUT,
                )
        except aiosmtplib.SMTPRecipientsRefused as error:
            first = error.recipients[0]
            return _said(first.code, first.message, accepted=False)
        except aiosmtplib.SMTPResponseException as error:
            return _said(error.code, error.message, accepted=False)
        except (aiosmtplib.SMTPException, OSError) as error:  # TimeoutError is an OSError
            raise self._failure(error) from error
        if refused:
            _log.warning("channel %s: %d of %d addresses refused", self.name, len(refused), len(self._to))
        return Answer(accepted=True, detail=_shown(said))

    def _failure(self, error: Exception) -> RemoteError:
        host, cause = self._server.host, error.__cause__ or error
        if isinstance(error, TimeoutError):
            return RemoteError(f"{host} did not answer in time", code="timeout")
        if isinstance(cause, ssl.SSLError | ssl.CertificateError) or "STARTTLS" in str(error):
            return RemoteError(f"{host}: {_shown(str(cause))}", code="tls")
        return RemoteError(f"{host}: {_shown(str(error))}")


def _said(code: int, text: str, *, accepted: bool) -> Answer:
    return Answer(accepted, f"{code} {_shown(text)}")


def _shown(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)[:SHOWN]
