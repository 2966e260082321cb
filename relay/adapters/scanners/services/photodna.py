"""Microsoft's PhotoDNA Cloud Service, version 1.0.

With a licensed hasher only hashes leave (`POST /MatchHash`); else, with `send: media`, the picture does
(`POST /Match`), as it is when the service takes it and as a small JPEG when not. Never by URL: then the service would
fetch from the origin, which may show it something else. `enhance` is always false: true is slower and finds other
things.

The answer counts only with code 3000: HTTP 200 comes with other codes, too. 3206 (no picture) and 3208 (too small or
too large) are about the picture; 3002, 3004 and any other are failures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson
from pydantic import Field

from relay.adapters.scanners.services.connection import Answer, ServiceConnection, bad_answer
from relay.domain.errors import RemoteError
from relay.domain.hashservice import Unfit
from relay.domain.media import Match, MatchKind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from relay.adapters.scanners.services.edgehash import Hasher
    from relay.domain.hashservice import Question

OK: Final = 3000
ABOUT_THE_PICTURE: Final = {3206: "not-a-picture", 3208: "size-out-of-range"}
TAKEN: Final = frozenset({"image/gif", "image/jpeg", "image/png", "image/bmp", "image/tiff"})
SMALLEST: Final = 160
"""Pixels a side (documented)."""
LARGEST: Final = 4 << 20
"""Bytes (documented)."""
_NO_ENHANCEMENT: Final = {"enhance": "false"}
_TEST: Final = "Test"


class _Status(Answer):
    code: int = Field(alias="Code")


class _Flag(Answer):
    source: str | None = Field(default=None, alias="Source")


class _Details(Answer):
    flags: list[_Flag] | None = Field(default=None, alias="MatchFlags")


class _Result(Answer):
    """Whether one hash or picture matched. The details may be null."""

    status: _Status = Field(alias="Status")
    is_match: bool | None = Field(default=None, alias="IsMatch")
    details: _Details | None = Field(default=None, alias="MatchDetails")


class _Results(Answer):
    results: list[_Result] = Field(alias="MatchResults")


class PhotoDna:
    """A service of kind `photodna`: by `hasher` if there is one, else by the picture.

    `as_jpeg` makes a small JPEG of bytes that came from outside, or says why not.
    """

    kind, methods = "photodna", ("photodna",)

    def __init__(
        self,
        name: str,
        connection: ServiceConnection,
        *,
        hasher: Hasher | None,
        as_jpeg: Callable[[bytes], Awaitable[bytes | Unfit]],
    ) -> None:
        self._name, self._connection, self._hasher, self._as_jpeg = name, connection, hasher, as_jpeg

    @property
    def terms(self) -> str:
        """What is sent."""
        return "media" if self._hasher is None else "hashes"

    async def ask(self, question: Question) -> Sequence[Match] | Unfit:
        """Ask by hash or by picture. Videos are not taken."""
        if not question.decoded.media_type.startswith("image/"):
            return Unfit("unsupported")
        if question.content is None:
            raise RemoteError("the file is not at hand", code="no-content")
        if self._hasher is not None:
            return await self._by_hash(self._hasher, question.content)
        return await self._by_picture(question, question.content)

    async def list_version(self) -> None:
        """The service does not tell."""

    async def _by_hash(self, hasher: Hasher, content: bytes) -> Sequence[Match] | Unfit:
        hashes = await hasher.hashes(content)
        if isinstance(hashes, Unfit):
            return hashes
        asked = [{"DataRepresentation": one.representation, "Value": one.value} for one in hashes]
        answer = await self._connection.post(
            "/MatchHash",
            _Results,
            orjson.dumps(asked),
            content_type="application/json",
            query=_NO_ENHANCEMENT,
        )
        if len(answer.results) != len(hashes):
            raise RemoteError(f"{self._name} left hashes unanswered", code="unanswered")
        return self._judged(answer.results)

    async def _by_picture(self, question: Question, content: bytes) -> Sequence[Match] | Unfit:
        decoded, media_type = question.decoded, question.decoded.media_type
        small = min(decoded.width, decoded.height) < SMALLEST
        if media_type not in TAKEN or small or len(content) > LARGEST:
            made = await self._as_jpeg(content)
            if isinstance(made, Unfit):
                return made
            content, media_type = made, "image/jpeg"
        answer = await self._connection.post(
            "/Match", _Result, content, content_type=media_type, query=_NO_ENHANCEMENT
        )
        return self._judged([answer])

    def _judged(self, results: Sequence[_Result]) -> Sequence[Match] | Unfit:
        """A match on any hash of a picture is a match; nothing is one that was not looked up."""
        matches = [self._match(one) for one in results if one.status.code == OK and one.is_match]
        if matches:
            return matches
        for one in results:
            if one.status.code in ABOUT_THE_PICTURE:
                return Unfit(ABOUT_THE_PICTURE[one.status.code])
            if one.status.code != OK:
                raise RemoteError(
                    f"{self._name} answered {one.status.code}",
                    code=f"code-{one.status.code}",
                    temporary=one.status.code != 3002,
                )
            if one.is_match is None:
                raise bad_answer(self._name)
        return ()

    def _match(self, result: _Result) -> Match:
        flags = (result.details.flags if result.details else None) or []
        is_test = bool(flags) and all(flag.source == _TEST for flag in flags)
        kind = MatchKind.TEST if is_test else MatchKind.KNOWN
        return Match(kind, self._name, "test" if is_test else "csam", "photodna")
