"""The policy as a form: rules as cards, each condition with an input of its kind. Works without scripts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from relay.domain.drafting import SECTIONS, WrittenRule
from relay.domain.english import rule_sentence
from relay.domain.errors import Malformed, NotFound
from relay.web.office.inputs import Inputs, waiting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.drafting import Outline, PlacedRule, Remark
    from relay.services.drafts import Drafts, Sheet
    from relay.web.office.door import Door, Visit
    from relay.web.office.inputs import Input

FORM = "/policy/form"
NEW = "new"
KEYS = ("preset", "mode", "otherwise", "on_scanner_error")


@dataclass(frozen=True, slots=True)
class Card:
    """A rule as it is shown: where it stands, its sentence if it can be read, and what is wrong with it."""

    place: int
    placed: PlacedRule
    sentence: str
    remarks: Sequence[Remark]


@dataclass(frozen=True, slots=True)
class FormPages:
    """The pages."""

    door: Door
    drafts: Drafts

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        page = self.door.page
        return [
            web.get(FORM, page(self.show)),
            web.post(f"{FORM}/keys", page(self.keys)),
            web.post(f"{FORM}/list", page(self.list_)),
            web.post(f"{FORM}/move", page(self.move)),
            web.post(f"{FORM}/remove", page(self.remove)),
            web.get(f"{FORM}/rule", page(self.rule)),
            web.post(f"{FORM}/rule", page(self.write)),
        ]

    async def show(self, visit: Visit) -> web.Response:
        """Show the draft as a form."""
        sheet, reader = await self.drafts.sheet(visit.who), self.drafts.reader
        outline = sheet.reading.outline
        preset = outline.keys.get("preset", "") if outline else ""
        base = self.drafts.preset(preset) if preset else None
        cards = {section: cards_of(sheet, section) for section in SECTIONS}
        return self.door.render(
            visit,
            "policy-form",
            sheet=sheet,
            model=reader.model(),
            cards=cards,
            preset=preset,
            inherited=_inherited(base, outline) if base and outline else {},
            others=_elsewhere(sheet, cards),
        )

    async def keys(self, visit: Visit) -> web.Response:
        """Change what stands beside the rules."""
        form, reader = visit.form, self.drafts.reader
        chosen = {key: form.get(key) for key in KEYS if key in form}
        if chosen.get("preset") == "archive-country":
            chosen["preset"] += f"-{form.get('country').strip().lower()}"

        def changed(text: str) -> str:
            for key, value in chosen.items():
                text = reader.set_key(text, key, value or None)
            return text

        await self.drafts.change(visit.who, changed, revision=form.number("revision"))
        return self.door.moved(FORM)

    async def list_(self, visit: Visit) -> web.Response:
        """Change a list, make one, or take one out."""
        form, reader = visit.form, self.drafts.reader
        name, members = form.get("name").strip(), form.text("members").replace(",", "\n").split("\n")
        found = None if "remove" in form else [word for line in members if (word := line.strip())]
        if not name:
            raise Malformed("A list needs a name.", code="bad-form")
        await self.drafts.change(
            visit.who, lambda text: reader.set_list(text, name, found), revision=form.number("revision")
        )
        return self.door.moved(f"{FORM}#lists")

    async def move(self, visit: Visit) -> web.Response:
        """Let a rule change places with its neighbour."""
        form, section = visit.form, _section(visit.form.get("section"))
        place = form.number("place")
        other = place - 1 if "up" in form else place + 1
        if other < 0:
            raise Malformed("It is the first already.", code="bad-form")
        move = self.drafts.reader.move_rule
        await self.drafts.change(
            visit.who, lambda text: move(text, section, place, other), revision=form.number("revision")
        )
        return self.door.moved(f"{FORM}#{section}-{other}")

    async def remove(self, visit: Visit) -> web.Response:
        """Take a rule out."""
        form, section = visit.form, _section(visit.form.get("section"))
        place, remove = form.number("place"), self.drafts.reader.remove_rule
        await self.drafts.change(
            visit.who, lambda text: remove(text, section, place), revision=form.number("revision")
        )
        return self.door.moved(f"{FORM}#{section}")

    async def rule(self, visit: Visit) -> web.Response:
        """Show one rule, or a new one, with inputs."""
        sheet, query = await self.drafts.sheet(visit.who), visit.request.query
        section, where = _section(query.get("section", "")), query.get("place", NEW)
        rule = self._written(sheet, section, where)
        if where == NEW and "copy" in query:
            rule = _copied(sheet.reading.outline, self.drafts.preset_rule(sheet, section, query["copy"]))
        inputs = Inputs(self.drafts.reader.model())
        return self._form(visit, sheet, (section, where), rule, inputs.of_rule(rule), {})

    async def write(self, visit: Visit) -> web.Response:
        """Add a condition, take one out, or keep the rule in the draft unless something is wrong with it."""
        sheet, form = await self.drafts.sheet(visit.who), visit.form
        section, where = _section(form.get("section")), form.get("place", NEW)
        before = self._written(sheet, section, where)
        inputs = Inputs(self.drafts.reader.model())
        facts = list(dict.fromkeys(form.all("fact")))
        if "add" in form and form.get("new-fact"):
            facts = list(dict.fromkeys([*facts, form.get("new-fact")]))
        dropped = form.get("drop")
        filled = inputs.of_form(form, [fact for fact in facts if fact != dropped])
        rule = inputs.rule(form, filled, before)
        if "keep" not in form:
            return self._form(visit, sheet, (section, where), rule, filled, {})
        reader = self.drafts.reader
        if where == NEW:
            first = form.get("where") == "first"
            text = reader.add_rule(sheet.text, section, rule, first=first)
            place = 0 if first else _count(self.drafts.read(text).outline, section) - 1
        else:
            place = _place(where)
            text = reader.replace_rule(sheet.text, section, place, rule)
        problems = self._problems(text, section, place)
        if problems:
            return self._form(visit, sheet, (section, where), rule, filled, problems, status=422)
        await self.drafts.write(visit.who, text, revision=form.number("revision"))
        return self.door.moved(f"{FORM}#{section}-{place}")

    def _form(
        self,
        visit: Visit,
        sheet: Sheet,
        where: tuple[str, str],
        rule: WrittenRule,
        inputs: Sequence[Input],
        problems: Mapping[str, Sequence[Remark]],
        *,
        status: int = 200,
    ) -> web.Response:
        for one in inputs:
            one.problems.extend(problems.get(f"when.{one.info['fact']}", ()))
        outline = sheet.reading.outline
        return self.door.render(
            visit,
            "policy-rule",
            status=status,
            sheet=sheet,
            model=self.drafts.reader.model(),
            section=where[0],
            place=where[1],
            rule=rule,
            waiting=waiting(rule.then),
            inputs=inputs,
            problems=problems,
            lists=list(outline.lists) if outline else [],
        )

    def _written(self, sheet: Sheet, section: str, where: str) -> WrittenRule:
        if where == NEW:
            return WrittenRule(then="quarantine")
        outline = sheet.reading.outline
        rules = outline.rules[section] if outline else ()
        place = _place(where)
        if place >= len(rules):
            raise NotFound("That rule is not there any more.")
        rule = rules[place].rule
        if rule is None:
            raise Malformed("This rule can only be changed as text.", code="only-text")
        return rule

    def _problems(self, text: str, section: str, place: int) -> dict[str, list[Remark]]:
        """What is wrong with the rule itself, by the key in it."""
        reading = self.drafts.read(text)
        found: dict[str, list[Remark]] = {}
        if reading.outline is None:
            return found
        placed = reading.outline.rules[section][place]
        for one in reading.remarks:
            if one.error and _is_about(one, placed):
                found.setdefault(one.key, []).append(one)
        return found


def cards_of(sheet: Sheet, section: str) -> list[Card]:
    """The rules of a section that the text itself has."""
    reading = sheet.reading
    if reading.outline is None:
        return []
    read = {} if reading.draft is None else {rule.name: rule for rule in getattr(reading.draft, section)}
    found = []
    for place, placed in enumerate(reading.outline.rules[section]):
        name = "" if placed.rule is None else " ".join(placed.rule.name.split())
        sentence = rule_sentence(read[name]) if name in read else ""
        remarks = [one for one in reading.remarks if _is_about(one, placed)]
        found.append(Card(place, placed, sentence, remarks))
    return found


def _is_about(remark: Remark, placed: PlacedRule) -> bool:
    return not remark.file and placed.first <= remark.line <= placed.last


def _elsewhere(sheet: Sheet, cards: Mapping[str, Sequence[Card]]) -> list[Remark]:
    """Remarks that are about none of the rules."""
    rules = [card.placed for section in cards.values() for card in section]
    return [one for one in sheet.reading.remarks if not any(_is_about(one, placed) for placed in rules)]


def _inherited(base: object, outline: Outline) -> dict[str, list[tuple[str, str]]]:
    """The rules of the preset that count: name and sentence, by section."""
    found = {}
    for section in SECTIONS:
        own = (
            {placed.rule.name for placed in outline.rules[section] if placed.rule}
            if section == "rules"
            else set()
        )
        rules = [rule for rule in getattr(base, section) if rule.name not in own]
        found[section] = [(rule.name, rule_sentence(rule)) for rule in rules]
    return found


def _copied(outline: Outline | None, rule: WrittenRule | None) -> WrittenRule:
    if rule is None or outline is None:
        raise NotFound("The preset has no such rule.")
    return rule


def _section(name: str) -> str:
    if name not in SECTIONS:
        raise Malformed("A policy has no such part.", code="bad-form")
    return name


def _place(where: str) -> int:
    if not (where.isascii() and where.isdigit() and len(where) < 6):
        raise Malformed("That is no place of a rule.", code="bad-form")
    return int(where)


def _count(outline: Outline | None, section: str) -> int:
    return len(outline.rules[section]) if outline else 0
