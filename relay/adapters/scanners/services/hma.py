"""Hasher-Matcher-Actioner 2.x (Open Media Match): asked with our own PDQ hashes, so that no picture leaves.

`GET /m/lookup?signal=<hex>&signal_type=pdq` answers `{"BANK": [{"bank_content_id": 7, "distance": "4"}]}`: the
distance is a string of digits. Its own hasher is not used: it is wrong by up to 256 bits for GIF, palette and CMYK.
HMA has no authentication: a key is for what the operator puts before it.

`{}` is also what it answers where nothing was looked up (seen with 1.1.7): no bank has a hash, the index was never
built, a bank that is asked for does not exist or is switched off, or it is enabled for a share of the questions only
(`/m/lookup` with GET knows no way around that draw). `/m/index/status` and `/c/banks` tell; `/status` tells whether
the process that answers still follows the index. It follows by up to 65 seconds, so a new index counts as the list's
version only once it was seen twice: what was asked in between would else pass as compared with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import ConfigDict, RootModel

from relay.adapters.scanners.services.connection import Answer, ServiceConnection, bad_answer
from relay.domain.errors import RemoteError
from relay.domain.hashservice import Unfit
from relay.domain.media import PDQ_DRIFT, Match, MatchKind, Undecodable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.hashservice import Question

STRICT: Final = ConfigDict(frozen=True, strict=True)
OUT_OF_REACH: Final = frozenset({401, 403, 404})
"""Statuses of addresses that the operator of HMA keeps to himself, as he may: only `/m` must be open to us."""
KINDS: Final = {"ncii": MatchKind.NCII, "test": MatchKind.TEST}
"""Categories whose matches are of a kind of their own, as for lists."""


class _Hit(Answer):
    bank_content_id: int
    distance: str | int


class _Lookup(RootModel[dict[str, list[_Hit]]]):
    model_config = STRICT


class _Index(Answer):
    present: bool
    built_to: int | None = None
    size: int | None = None


class _Indexes(RootModel[dict[str, _Index]]):
    model_config = STRICT


class _Bank(Answer):
    name: str
    matching_enabled_ratio: float


class _Banks(RootModel[list[_Bank]]):
    model_config = STRICT


class Hma:
    """A service of kind `hma`.

    `categories` names the category of a bank's matches, `category` that of all other banks. With `banks` only these
    are asked.
    """

    kind, methods = "hma", ("pdq",)

    def __init__(
        self,
        name: str,
        connection: ServiceConnection,
        *,
        category: str,
        categories: Mapping[str, str],
        banks: Sequence[str],
    ) -> None:
        self._name, self._connection = name, connection
        self._category, self._categories, self._banks = category, dict(categories), tuple(banks)
        self._built: str | None = None

    @property
    def terms(self) -> str:
        """The banks that are asked."""
        return ",".join(sorted(self._banks))

    async def ask(self, question: Question) -> Sequence[Match] | Unfit:
        """Ask for every orientation of every frame, until something matches."""
        hashes = question.hashes
        if not hashes:
            return Unfit(Undecodable.TOO_LITTLE_DETAIL.value)
        for one in hashes:
            query = {"signal": one.hex(), "signal_type": "pdq"}
            if self._banks:
                query["banks"] = ",".join(self._banks)
            found = await self._connection.get("/m/lookup", _Lookup, query)
            matches = [self._match(bank, hit) for bank, hits in found.root.items() for hit in hits]
            if matches:
                return matches
        return ()

    async def list_version(self) -> str:
        """Return until when the index is built. Raises `RemoteError` unless it answers for every bank, always."""
        await self._refuse_stale()
        indexes = await self._connection.get("/m/index/status", _Indexes)
        pdq = indexes.root.get("pdq")
        if pdq is None or not pdq.present or pdq.size == 0:
            raise RemoteError(f"{self._name} has no index of PDQ hashes", code="no-index")
        await self._refuse_silent_banks()
        now = f"{pdq.built_to}:{pdq.size}"
        before, self._built = self._built, now
        return before or now

    async def _refuse_stale(self) -> None:
        try:
            await self._connection.reach("/status")
        except RemoteError as error:
            if error.status not in OUT_OF_REACH:
                raise

    async def _refuse_silent_banks(self) -> None:
        try:
            banks = await self._connection.get("/c/banks", _Banks)
        except RemoteError as error:
            if error.status in OUT_OF_REACH:
                return
            raise
        ratios = {bank.name: bank.matching_enabled_ratio for bank in banks.root}
        if not ratios.keys() >= set(self._banks):
            message = f"{self._name} has not all of the banks that it is to be asked for"
            raise RemoteError(message, code="unknown-bank", temporary=False)
        # Of all banks, one may be switched off; one that was asked for by name must answer.
        lowest = min((ratios[name] for name in self._banks), default=1.0)
        if lowest == 0.0:
            message = f"{self._name} has switched off a bank that it is to be asked for"
            raise RemoteError(message, code="disabled-bank", temporary=False)
        if any(0.0 < ratios[name] < 1.0 for name in self._banks or ratios):
            message = f"{self._name} answers for some of its banks by chance"
            raise RemoteError(message, code="sampled-bank", temporary=False)

    def _match(self, bank: str, hit: _Hit) -> Match:
        text = str(hit.distance)
        if not text.isascii() or not text.isdigit():
            raise bad_answer(self._name)
        distance = int(text)
        category = self._categories.get(bank, self._category)
        kind = KINDS.get(category, MatchKind.KNOWN if distance <= PDQ_DRIFT else MatchKind.NEAR)
        return Match(kind, self._name, category, "pdq", distance)
