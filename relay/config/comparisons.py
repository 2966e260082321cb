"""Reads comparisons: `up to 31`, `less than 14 days`, `more than 8 MiB`, `more than 60 per minute`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from relay.config.quantities import read_duration, read_size
from relay.domain.policy import Between
from relay.domain.rates import WINDOWS
from relay.domain.vocabulary import SAMPLE, FactKind

if TYPE_CHECKING:
    from relay.domain.vocabulary import FactInfo

_COMPARISON: Final = re.compile(r"(?:(?P<how>[a-z]+(?: [a-z]+)?) )?(?P<what>-?[0-9].{0,60})")
_WHOLE: Final = re.compile("[0-9]{1,9}")
_HOW: Final = ("up to", "less than", "at least", "more than")
_OTHERWISE: Final = {
    **dict.fromkeys(("<=", "at most", "no more than", "max", "maximum", "up"), "up to"),
    **dict.fromkeys(("<", "less", "less then", "fewer than", "under", "below"), "less than"),
    **dict.fromkeys((">=", "from", "min", "minimum", "no less than", "not less than"), "at least"),
    **dict.fromkeys((">", "more", "more then", "greater than", "above", "over"), "more than"),
    **dict.fromkeys(("=", "==", "exactly"), ""),
}
"""How people write comparisons when nobody told them: for messages, never understood silently."""
_UNITS: Final = {FactKind.AGE: " days", FactKind.SIZE: " MiB", FactKind.RATE: " per minute"}


class NotAComparison(ValueError):
    """This is not a comparison with a number of the right kind. `fix` says what to write."""

    def __init__(self, cause: str, *, fix: str) -> None:
        super().__init__(cause)
        self.fix = fix


def read_comparison(info: FactInfo, written: str) -> Between:
    """The condition that a comparison is; a number alone means that very number. Raises `NotAComparison`."""
    text = " ".join(written.split())
    found = _COMPARISON.fullmatch(text)
    how = "" if found is None else found["how"] or ""
    amount = None if found is None else _amount(info, found["what"])
    fix = f'Write for example "{SAMPLE[info.kind]}"'
    if amount is None or (how and how not in _HOW):
        cause = f'"{text}" has no unit or comparison' if text else f"{info.fact} needs a comparison"
        meant = _meant(info, text)
        raise NotAComparison(cause, fix=f'Write for example "{meant}"' if meant else fix)
    number, per = amount
    if how == "less than" and number == 0:
        raise NotAComparison("nothing is less than 0", fix=fix)
    least = {"at least": number, "more than": number + 1}.get(how, 0 if how else number)
    most = {"up to": number, "less than": number - 1}.get(how, None if how else number)
    return Between(info.fact, least, most, per)


def _meant(info: FactInfo, text: str) -> str:
    """What the text was probably meant to be, with the number that it has; empty when that cannot be told."""
    found = re.fullmatch(r"(?P<how>[^0-9]*?) ?(?P<number>[0-9]{1,9})(?P<rest>.{0,30})", text.lower())
    if found is None or "-" in found["how"]:
        return ""
    how = _OTHERWISE.get(found["how"], found["how"])
    rest = re.sub(r" ?/ ?", " per ", found["rest"])
    for unit in (rest, _UNITS.get(info.kind, "")):
        amount = f"{found['number']}{unit}"
        if (how in _HOW or not how) and _amount(info, amount) is not None:
            # Without a comparison an age or a rate hardly ever fits.
            how = how or ("" if info.kind is FactKind.NUMBER else "less than")
            return f"{how} {amount}".strip()
    return ""


def _amount(info: FactInfo, text: str) -> tuple[int, str] | None:
    """The number: ages in seconds, sizes in bytes; and the window of a rate. None for other text."""
    if info.kind is FactKind.NUMBER:
        bare = text.removesuffix(info.unit).strip()
        return (int(bare), "") if _WHOLE.fullmatch(bare) else None
    if info.kind is FactKind.RATE:
        bare, _, per = text.rpartition(" per ")
        return (int(bare), per) if _WHOLE.fullmatch(bare) and per in WINDOWS else None
    try:
        if info.kind is FactKind.SIZE:
            return read_size(text), ""
        return int(read_duration(text).total_seconds()), ""
    except ValueError:
        return None
