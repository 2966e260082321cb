"""All detectors of waves together, and the few numbers that set how soon they act."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from relay.domain.waves.brake import Cover, Kind
from relay.domain.waves.crowds import PictureCrowds, TextCrowds
from relay.domain.waves.floods import Loudness, Mentions, Rates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.waves.sighting import Sighting

OF_A_SERVER: Final = 4
"""How many times as many people the new accounts of a server may mention together as one of them may."""
BEFORE: Final = 50
"""Posts decided before a wave was recognised that are kept with it."""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """When something is a wave.

    `accounts`: new accounts that post the same `within` so many seconds. `young`: seconds for which an account is new.
    `mentions`: people whom a new account mentions in ten minutes. `rate`: how many times its usual a server posts.
    """

    accounts: int = 10
    within: float = 3600.0
    young: float = 7 * 24 * 3600.0
    mentions: int = 40
    rate: float = 8.0


@dataclass(frozen=True, slots=True)
class Finding:
    """A wave: what it is about, the numbers that show it, and the ids of posts of it that were decided before."""

    cover: Cover
    evidence: Mapping[str, int] = field(default_factory=dict)
    before: tuple[str, ...] = ()


class Watch:
    """Sees every post once, and says when a wave begins."""

    def __init__(self, sensitivity: Sensitivity) -> None:
        self.sensitivity = sensitivity
        self._texts, self._pictures = TextCrowds(), PictureCrowds()
        self._by_account, self._by_server = Mentions(), Mentions()
        self._rates, self.loudness = Rates(), Loudness()

    def see(self, seen: Sighting) -> Finding | None:
        """Let every detector take note of a post; return the wave that it shows, if it does."""
        wanted = self.sensitivity
        found: list[
            Finding | None
        ] = []  # what tells most exactly comes first: a text covers less than a server
        if seen.young:
            found += [
                self._text(seen, wanted.accounts, wanted.within),
                self._picture(seen, wanted.accounts, wanted.within),
                self._mentions(seen),
            ]
        found.append(self._rate(seen))
        return next((one for one in found if one is not None), None)

    def _text(self, seen: Sighting, accounts: int, within: float) -> Finding | None:
        text = seen.text
        found = text and self._texts.see(seen, text, accounts=accounts, within=within)
        if not found:
            return None
        mark, crowd = found
        numbers = {"accounts": crowd.accounts, "servers": crowd.servers}
        return Finding(Cover(Kind.TEXT, text=mark), numbers, crowd.posts[-BEFORE:])

    def _picture(self, seen: Sighting, accounts: int, within: float) -> Finding | None:
        found = self._pictures.see(seen, seen.pictures, accounts=accounts, within=within)
        if found is None:
            return None
        mark, crowd = found
        numbers = {"accounts": crowd.accounts, "servers": crowd.servers}
        return Finding(Cover(Kind.PICTURE, picture=mark), numbers, crowd.posts[-BEFORE:])

    def _mentions(self, seen: Sighting) -> Finding | None:
        if not seen.mentions:
            return None
        most = self.sensitivity.mentions
        alone = self._by_account.add(seen.account, seen.mentions, seen.at)
        together = self._by_server.add(seen.server, seen.mentions, seen.at)
        if alone > most:
            return Finding(Cover(Kind.MENTIONS, account=seen.account), {"people": alone})
        if together > OF_A_SERVER * most:
            return Finding(Cover(Kind.MENTIONS, server=seen.server), {"people": together})
        return None

    def _rate(self, seen: Sighting) -> Finding | None:
        if not seen.live:
            return None
        excess = self._rates.add(seen.server, seen.at, times=self.sensitivity.rate)
        if excess is None:
            return None
        return Finding(Cover(Kind.RATE, server=seen.server), {"posts": excess.recent, "usual": excess.usual})
