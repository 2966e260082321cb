"""A classifier that the operator runs: its score can set the match kind `classifier`, and nothing else.

`POST <url>` with the file and its type; the answer is `{"score": 0.0 .. 1.0, "model": "name/version"}`. A score is an
opinion: it never makes a known match, and "below the threshold" is never attested. docs/hash-services.md has a server
around horde-safety in a few lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from relay.adapters.scanners.services.connection import Answer, ServiceConnection
from relay.domain.errors import RemoteError
from relay.domain.hashservice import Unfit
from relay.domain.media import Match, MatchKind, Undecodable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.hashservice import Question


class _Score(Answer):
    score: float = Field(ge=0.0, le=1.0)


class Classifier:
    """A service of kind `classifier`: a score of `threshold` or more is a match in `category`."""

    kind = "classifier"
    methods: tuple[str, ...] = ()

    def __init__(self, name: str, connection: ServiceConnection, *, threshold: float, category: str) -> None:
        self._name, self._connection = name, connection
        self._threshold, self._category = threshold, category

    @property
    def terms(self) -> str:
        """The threshold."""
        return f"{self._threshold:g}"

    async def ask(self, question: Question) -> Sequence[Match] | Unfit:
        """Ask for the score of a picture."""
        if not question.decoded.media_type.startswith("image/"):
            return Unfit(Undecodable.UNSUPPORTED.value)
        if question.content is None:
            raise RemoteError("the file is not at hand", code="no-content")
        found = await self._connection.post(
            "", _Score, question.content, content_type=question.decoded.media_type
        )
        if found.score < self._threshold:
            return ()
        return (Match(MatchKind.CLASSIFIER, self._name, self._category, "classifier"),)

    async def list_version(self) -> None:
        """A model does not grow by itself."""
