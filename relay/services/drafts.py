"""The policy that an admin is writing: kept until it is in force or thrown away, and never in force by itself.

A draft has a revision. Whoever changes it says which one was meant, so that two windows do not undo each other's work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.domain.admin import Draft
from relay.domain.errors import Conflict, Malformed
from relay.domain.policy import Decision, decide

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from relay.domain.drafting import DraftReading, Remark, WrittenRule
    from relay.domain.facts import Facts
    from relay.domain.policy import Policy
    from relay.ports import Clock, Store
    from relay.ports.drafting import DraftReader
    from relay.services.decide import Decider


@dataclass(frozen=True, slots=True)
class Desk:
    """What lies on the desk: the text, what it says, and how far it is from what is in force.

    `revision` is 0 when nothing was changed. `stale`: another policy came into force since the draft was begun.
    """

    text: str
    reading: DraftReading
    revision: int
    stale: bool

    @property
    def changed(self) -> bool:
        """Whether this is a draft, and not what is in force."""
        return self.revision > 0


@dataclass(frozen=True, slots=True)
class Tried:
    """What a policy makes of some facts: `remarks` are what is wrong with them, and then the rest is None."""

    facts: Facts | None
    decision: Decision | None
    remarks: Sequence[Remark]


class Drafts:
    """Keeps and reads drafts. `written` gives the text of the policy in force."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        decider: Decider,
        reader: DraftReader,
        written: Callable[[], Awaitable[str]],
    ) -> None:
        self._store, self._clock, self._decider = store, clock, decider
        self._written = written
        self.reader = reader

    async def desk(self, who: str) -> Desk:
        """Return the draft of an account, or what is in force when it has none."""
        async with self._store.reading() as tx:
            draft = await tx.admins.draft(who)
        text = await self._written() if draft is None else draft.text
        stale = draft is not None and draft.base != self._decider.policy.id
        return Desk(text, self.read(text), 0 if draft is None else draft.revision, stale)

    async def in_force(self) -> DraftReading:
        """Read the text of the policy in force."""
        return self.read(await self._written())

    def preset(self, name: str) -> Policy | None:
        """Return what a preset alone says; None when there is none of that name."""
        return self.reader.preset(name, self._clock.now())

    def preset_rule(self, desk: Desk, section: str, name: str) -> WrittenRule | None:
        """Return a rule of the preset that a draft begins with, as it is written there."""
        outline = desk.reading.outline
        preset = None if outline is None else self.reader.outline_of_preset(outline.keys.get("preset", ""))
        rules = () if preset is None else preset.rules[section]
        return next((one.rule for one in rules if one.rule is not None and one.rule.name == name), None)

    def read(self, text: str) -> DraftReading:
        """Read a text."""
        return self.reader.read(text, self._clock.now())

    async def write(self, who: str, text: str, *, revision: int) -> None:
        """Write the draft of an account. Raises `Conflict` when it is not the `revision` that was meant any more."""
        if len(text) > 1_000_000:
            raise Malformed("This is too long for a policy.", code="too-large")
        now = self._clock.now()
        async with self._store.transaction() as tx:
            draft = await tx.admins.draft(who)
            if (0 if draft is None else draft.revision) != revision:
                message = "The draft was changed in another window since this page was loaded: look at it anew."
                raise Conflict(message, code="changed-elsewhere")
            base = self._decider.policy.id if draft is None else draft.base
            await tx.admins.save_draft(who, Draft(text, base, now, revision + 1))

    async def change(self, who: str, change: Callable[[str], str], *, revision: int) -> None:
        """Change the text of the draft, or begin one with what is in force changed so."""
        desk = await self.desk(who)
        await self.write(who, change(desk.text), revision=revision)

    async def discard(self, who: str) -> None:
        """Throw the draft away: what is in force stays so."""
        async with self._store.transaction() as tx:
            await tx.admins.drop_draft(who)

    def attempt(self, text: str, facts: Mapping[str, Sequence[str]]) -> Tried:
        """Decide some facts with a policy that may have failing examples, as `enforce` would.

        Raises `Malformed` when there are other errors in it.
        """
        now = self._clock.now()
        draft = self.reader.read(text, now).draft
        if draft is None:
            raise Malformed("The policy has to be mended first.", code="broken-policy")
        given, wrong = self.reader.given(text, facts, now)
        return Tried(given, None if given is None else decide(draft, given, now), wrong)
