"""Conditions of a rule as inputs of a form, and back: built from the form model, so that every fact has its own kind.

Nothing that is written is lost on the way: what no input can show stands in one as it is, and is judged when it is
read as a policy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from relay.domain.drafting import WrittenRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from relay.web.office.forms import Form

    Model = Mapping[str, Any]

LIST: Final = "list:"
_COMPARISON: Final = re.compile(
    r"(?:(up to|less than|at least|more than) )?([0-9][0-9.]*)(?: ?(?:per )?([A-Za-z]+))?"
)
_DEFER: Final = re.compile(r"defer ([0-9]+) ?([a-z]+)")
_PLAIN: Final[Mapping[str, Any]] = {
    "kind": "names",
    "input": "words",
    "choices": (),
    "any": (),
    "none": "",
    "comparisons": (),
    "unit": "",
    "units": (),
    "sample": "",
    "list": False,
}
"""What the form model leaves out about a fact that has none of it."""
_MORE: Final = re.compile(r"[\n,]")


@dataclass(frozen=True, slots=True)
class Input:
    """One condition as it stands in a form. `info` is its fact in the form model.

    `words` are ticked boxes or lines, `lists` the lists that are named; `how`, `number` and `unit` a comparison.
    `problems` are what is wrong with it.
    """

    info: Mapping[str, Any]
    words: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    how: str = ""
    number: str = ""
    unit: str = ""
    problems: list[Any] = field(default_factory=list)

    @property
    def units(self) -> Sequence[str]:
        """What the number can be counted in; empty for a bare number."""
        found: Sequence[str] = self.info.get("units", ())
        return found

    def written(self) -> tuple[str, ...]:
        """The condition as it is written in a policy; empty for nothing."""
        if self.info["input"] != "comparison":
            return (*self.words, *(f"{LIST}{name}" for name in self.lists))
        if not self.number:
            return ()
        per = "per " if self.info["kind"] == "rate" and self.unit else ""
        return (" ".join(part for part in (self.how, self.number, f"{per}{self.unit}") if part),)


class Inputs:
    """Makes inputs of rules and rules of forms, by the form model."""

    def __init__(self, model: Model) -> None:
        units = {
            "age": model["units"]["time"],
            "size": model["units"]["size"],
            "rate": model["units"]["rate"],
        }
        self.model = model
        self.facts = {
            one["fact"]: {**_PLAIN, **one, "units": units.get(one["kind"], [])} for one in model["facts"]
        }

    def of_rule(self, rule: WrittenRule) -> list[Input]:
        """Return the inputs of a rule's conditions; a fact that does not exist has one for its words."""
        return [self._input(fact, words) for fact, words in rule.when]

    def of_form(self, form: Form, facts: Iterable[str]) -> list[Input]:
        """Return the inputs of these facts as somebody filled them in."""
        found = []
        for fact in facts:
            lines = [line for text in form.all(f"w:{fact}") for line in _MORE.split(text)]
            found.append(
                Input(
                    self._info(fact),
                    tuple(word for line in lines if (word := " ".join(line.split()))),
                    tuple(form.all(f"l:{fact}")),
                    form.get(f"c:{fact}"),
                    " ".join(form.get(f"n:{fact}").split()),
                    form.get(f"u:{fact}"),
                )
            )
        return found

    def rule(self, form: Form, inputs: Iterable[Input], before: WrittenRule) -> WrittenRule:
        """Return the rule that a form says; keys that rules do not have are kept as they were `before`."""
        verb, seconds = form.get("verb"), " ".join((form.get("wait"), form.get("wait-unit"))).strip()
        return WrittenRule(
            name=" ".join(form.get("name").split()),
            when=tuple((one.info["fact"], one.written()) for one in inputs if one.written()),
            then=f"{verb} {seconds}" if verb == "defer" and form.get("wait") else verb,
            reason=form.get("reason").strip(),
            until=form.get("until").strip(),
            tell=tuple(word for word in _MORE.split(form.get("tell").replace(" ", ",")) if word),
            others=before.others,
        )

    def _input(self, fact: str, words: tuple[str, ...]) -> Input:
        info = self._info(fact)
        if info["input"] == "comparison":
            text = " ".join(words)
            found = _COMPARISON.fullmatch(text)
            if found is None or (found[3] and not self._unit(info, found[3])):
                return Input(info, number=text)
            return Input(info, how=found[1] or "", number=found[2], unit=self._unit(info, found[3] or ""))
        if not info.get("list"):
            return Input(info, words)
        lists = tuple(word.removeprefix(LIST).strip() for word in words if word.startswith(LIST))
        return Input(info, tuple(word for word in words if not word.startswith(LIST)), lists)

    def _unit(self, info: Mapping[str, Any], written: str) -> str:
        """The unit as the form offers it: `day` is one of `days`. Empty for none that it knows."""
        known: dict[str, str] = {unit.lower().removesuffix("s"): unit for unit in info["units"]}
        return known.get(written.lower().removesuffix("s"), "")

    def _info(self, fact: str) -> Mapping[str, Any]:
        unknown = {"fact": fact, "meaning": "No such fact is known.", "phrase": f"{fact}: {{}}"}
        return self.facts.get(fact) or {**_PLAIN, **unknown}


def waiting(then: str) -> tuple[str, str, str]:
    """Return the verb of an action, and how long it waits: a number and its unit, empty for none."""
    found = _DEFER.fullmatch(then)
    if found is None:
        return then, "", "minutes"
    unit = f"{found[2].removesuffix('s')}s"
    return "defer", found[1], unit
