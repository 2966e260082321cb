"""Thorn's Safer as Hive offers it: the combined endpoint for hashes and a classifier.

`POST /api/v2/task/sync` with the file in the field `media`. In the answer `file.reasons` says what was found: `matched`
by hash, `csam` by the classifier, or nothing. `matchTypes` keep two sets apart: `CSAM`, and `SE` (sexual exploitation),
which is not CSAM. `hashSet: test` is the service's test set. The service takes JPEG, PNG and GIF of at least 50 pixels
a side: it is not asked about less, because what it left out would look like "nothing found".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aiohttp
from pydantic import Field

from relay.adapters.scanners.services.connection import Answer, ServiceConnection, bad_answer
from relay.domain.errors import RemoteError
from relay.domain.hashservice import Unfit
from relay.domain.media import Match, MatchKind, Undecodable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from relay.domain.hashservice import Question

TAKEN: Final = frozenset({"image/gif", "image/jpeg", "image/png"})
SMALLEST: Final = 50
CATEGORIES: Final = {"CSAM": "csam", "SE": "sexual-exploitation"}
REASONS: Final = frozenset({"matched", "csam"})
_FINE: Final = frozenset({"0", "200"})


class _Source(Answer):
    hash_set: str = Field(alias="hashSet")


class _Hash(Answer):
    match_types: list[str] = Field(default=[], alias="matchTypes")
    sources: list[_Source] = Field(default=[])


class _File(Answer):
    reasons: list[str]


class _Output(Answer):
    file: _File
    hashes: list[_Hash] = Field(default=[])


class _Response(Answer):
    output: _Output


class _Code(Answer):
    code: int | str


class _Task(Answer):
    status: _Code
    response: _Response


class _Tasks(Answer):
    status: list[_Task] = Field(min_length=1, max_length=1)


class Hive:
    """A service of kind `safer`. `as_jpeg` makes a small JPEG of bytes that came from outside, or says why not."""

    kind, methods, terms = "safer", ("saferhash",), "media"

    def __init__(
        self,
        name: str,
        connection: ServiceConnection,
        *,
        as_jpeg: Callable[[bytes], Awaitable[bytes | Unfit]],
    ) -> None:
        self._name, self._connection, self._as_jpeg = name, connection, as_jpeg

    async def ask(self, question: Question) -> Sequence[Match] | Unfit:
        """Ask by the picture."""
        decoded, content = question.decoded, question.content
        if not decoded.media_type.startswith("image/"):
            return Unfit(Undecodable.UNSUPPORTED.value)
        if not question.hashes or min(decoded.width, decoded.height) < SMALLEST:
            return Unfit(Undecodable.TOO_LITTLE_DETAIL.value)
        if content is None:
            raise RemoteError("the file is not at hand", code="no-content")
        media_type = decoded.media_type
        if media_type not in TAKEN:
            made = await self._as_jpeg(content)
            if isinstance(made, Unfit):
                return made
            content, media_type = made, "image/jpeg"
        form = aiohttp.FormData()
        # A name of our own: the origin's tells more than the service needs.
        form.add_field("media", content, filename="picture", content_type=media_type)
        answer = await self._connection.post("/api/v2/task/sync", _Tasks, form)
        return self._judged(answer.status[0])

    async def list_version(self) -> None:
        """The service does not tell."""

    def _judged(self, task: _Task) -> Sequence[Match]:
        if str(task.status.code) not in _FINE:
            raise RemoteError(f"{self._name} answered with an error", code="task-failed")
        output = task.response.output
        matches = [match for one in output.hashes for match in self._matches(one)]
        if not matches and "matched" in output.file.reasons:
            raise bad_answer(self._name)
        if "csam" in output.file.reasons:
            matches.append(Match(MatchKind.CLASSIFIER, self._name, "csam", "classifier"))
        if not matches and not REASONS.issuperset(output.file.reasons):
            raise bad_answer(self._name)
        return matches

    def _matches(self, found: _Hash) -> list[Match]:
        sets = {source.hash_set for source in found.sources}
        if sets == {"test"}:
            return [Match(MatchKind.TEST, self._name, "test", "saferhash")]
        if not found.match_types and sets:
            raise bad_answer(self._name)  # found, and it does not say as what
        # A set that came later is kept under its own name: better too much than a match that is lost.
        return [
            Match(MatchKind.KNOWN, self._name, CATEGORIES.get(one, "other"), "saferhash")
            for one in found.match_types
        ]
