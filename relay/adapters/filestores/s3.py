"""A bucket of an S3 server as a file store. botocore speaks the protocol, in threads; only lists and gets are asked.

Credentials come as for other programs: from `AWS_ACCESS_KEY_ID` and the like, a profile, or the machine's role.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    IncompleteReadError,
    NoCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    ResponseStreamingError,
)
from botocore.session import Session

from relay.domain.errors import StoreTrouble
from relay.domain.storescan import StoredFile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PAGE: Final = 1_000
"""Names that one question brings."""
ATTEMPTS: Final = 5
CONNECT: Final = 10
READ: Final = 60
"""Seconds to connect, and between two pieces of an answer."""
_CHUNK: Final = 256 * 1024
_GONE: Final = frozenset({"NoSuchKey", "404", "NotFound"})
_REFUSED: Final = frozenset({"AccessDenied", "403", "Forbidden"})
_ARCHIVED: Final = "InvalidObjectState"
_BROKEN: Final = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError)


class S3Store:
    """Port `FileStore` over the names of a bucket that begin with a prefix.

    `endpoint` is the address of a server that is not Amazon's. Raises `StoreTrouble` for a profile that does not exist.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str,
        *,
        at_once: int,
        endpoint: str | None = None,
        region: str | None = None,
        profile: str | None = None,
        page: int = PAGE,
    ) -> None:
        self._bucket, self._prefix, self._at_once, self._size = bucket, prefix, at_once, page
        config = Config(
            connect_timeout=CONNECT,
            read_timeout=READ,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            max_pool_connections=at_once,
            # Other servers than Amazon's seldom have a host name for each bucket, or know its newer checksums.
            s3={"addressing_style": "path" if endpoint else "auto"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        try:
            session = Session(profile=profile)
            where = region or session.get_config_variable("region") or "us-east-1"
            self._client: Any = session.create_client(
                "s3", endpoint_url=endpoint, region_name=where, config=config
            )
        except ProfileNotFound as error:
            raise StoreTrouble(str(error), code="no-credentials", temporary=True) from error
        except (BotoCoreError, ValueError) as error:
            raise StoreTrouble(str(error), code="unreachable", temporary=True) from error

    @property
    def at_once(self) -> int:
        """How many reads at the same time are of use."""
        return self._at_once

    async def files(self, after: str | None) -> AsyncIterator[StoredFile]:
        """List the names in the server's own order, a page at a time."""
        asked: dict[str, Any] = {"Bucket": self._bucket, "Prefix": self._prefix, "MaxKeys": self._size}
        if after is not None:
            asked["StartAfter"] = after
        while True:
            page = await asyncio.to_thread(self._page, asked)
            for one in page.get("Contents", ()):
                if not one["Key"].endswith("/"):  # the mark of an empty folder
                    yield StoredFile(one["Key"], one["Size"], one["LastModified"].timestamp())
            if not page.get("IsTruncated"):
                return
            asked["ContinuationToken"] = page["NextContinuationToken"]

    async def read(self, file: StoredFile, limit: int) -> bytes:
        """Return an object; see the port."""
        if file.size > limit:
            raise StoreTrouble(code="too-large")
        return await asyncio.to_thread(self._read, file.name, limit)

    def place_of(self, name: str) -> str:
        """Return the object's address."""
        return f"s3://{self._bucket}/{name}"

    def _page(self, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            page: dict[str, Any] = self._client.list_objects_v2(**asked)
        except (BotoCoreError, ClientError) as error:
            self._fail(error)
        return page

    def _read(self, name: str, limit: int) -> bytes:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._get(name, limit)
            except _BROKEN as error:  # botocore repeats questions, not answers that break off
                if attempt == ATTEMPTS:
                    self._fail(error)
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code", "")
                if code in _GONE:
                    raise StoreTrouble(code="gone") from error
                if code in _REFUSED:
                    raise StoreTrouble(code="no-permission") from error
                if code == _ARCHIVED:
                    raise StoreTrouble(code="archived") from error
                self._fail(error)
            except BotoCoreError as error:
                self._fail(error)
        raise AssertionError  # the last attempt returned or raised

    def _get(self, name: str, limit: int) -> bytes:
        body = self._client.get_object(Bucket=self._bucket, Key=name)["Body"]
        try:
            content = bytearray()
            while chunk := body.read(_CHUNK):
                content += chunk
                if len(content) > limit:
                    raise StoreTrouble(code="too-large")
            return bytes(content)
        finally:
            body.close()

    def _fail(self, error: Exception) -> NoReturn:
        """Raise what is wrong with the store itself."""
        place, code = f"s3://{self._bucket}", "unreachable"
        if isinstance(error, NoCredentialsError):
            why, code = (
                "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
                "no-credentials",
            )
        elif isinstance(error, ClientError):
            found = error.response.get("Error", {}).get("Code", "?")
            code = "no-bucket" if found == "NoSuchBucket" else "refused"
            why = f"the server answers {found}"
        else:
            why = f"the server does not answer: {type(error).__name__}"
        raise StoreTrouble(f"{place}: {why}", code=code, temporary=True) from error


def read_place(place: str) -> tuple[str, str]:
    """Return bucket and prefix of `s3://bucket/prefix`. Raises ValueError."""
    parts = urlsplit(place, allow_fragments=False)
    if parts.scheme != "s3" or not parts.netloc or "@" in parts.netloc or parts.query:
        raise ValueError("write s3://bucket or s3://bucket/prefix")
    return parts.netloc, parts.path.removeprefix("/")
