"""The policy that an admin is writing: kept until it is in force or thrown away, and never in force by itself.

A draft has a revision. Whoever changes it says which one was meant, so that two windows do not undo each other's work.
It also has a base, the text that it was begun with: whoever changed the file meanwhile is not overwritten unseen.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relay.domain.admin import Draft
from relay.domain.errors import Conflict, Malformed
from relay.domain.policy import Decision, decide
from relay.domain.policy_version import Why

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from relay.domain.drafting import DraftReading, Proposal, Remark, SavedPolicy, WrittenRule
    from relay.domain.facts import Facts
    from relay.domain.policy import Policy
    from relay.ports import Clock, Store
    from relay.ports.drafting import DraftReader, PolicyFile
    from relay.services.policy_history import PolicyHistory


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is being written: the text, what it says, and how far it is from what is in force.

    `revision` is 0 when nothing was changed: then it is what the file says. `stale`: the file was changed since. `seen`
    tells the file as it was now from any other.
    """

    text: str
    reading: DraftReading
    revision: int
    stale: bool
    seen: str

    @property
    def changed(self) -> bool:
        """Whether this is a draft."""
        return self.revision > 0


@dataclass(frozen=True, slots=True)
class Tried:
    """What a policy makes of some facts: `remarks` are what is wrong with them, and then the rest is None."""

    facts: Facts | None
    decision: Decision | None
    remarks: Sequence[Remark]


class Drafts:
    """Keeps, reads and saves drafts."""

    def __init__(
        self, *, store: Store, clock: Clock, reader: DraftReader, file: PolicyFile, history: PolicyHistory
    ) -> None:
        self._store, self._clock, self._file, self._history = store, clock, file, history
        self.reader = reader

    # ------------------------------------------------------------------ reading

    async def sheet(self, who: str) -> Sheet:
        """Return the draft of an account, or what the file says when it has none."""
        async with self._store.reading() as tx:
            draft = await tx.admins.draft(who)
        written = await self._file.text()
        if draft is None:
            return Sheet(written, self.read(written), 0, stale=False, seen=_digest(written))
        seen = _digest(written)
        return Sheet(draft.text, self.read(draft.text), draft.revision, stale=draft.base != seen, seen=seen)

    def read(self, text: str) -> DraftReading:
        """Read a text."""
        return self.reader.read(text, self._clock.now())

    def preset(self, name: str) -> Policy | None:
        """Return what a preset alone says; None when there is none of that name."""
        return self.reader.preset(name, self._clock.now())

    def preset_rule(self, sheet: Sheet, section: str, name: str) -> WrittenRule | None:
        """Return a rule of the preset that a draft begins with, as it is written there."""
        outline = sheet.reading.outline
        preset = None if outline is None else self.reader.outline_of_preset(outline.keys.get("preset", ""))
        rules = () if preset is None else preset.rules[section]
        return next((one.rule for one in rules if one.rule is not None and one.rule.name == name), None)

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

    # ------------------------------------------------------------------ writing

    async def write(self, who: str, text: str, *, revision: int) -> None:
        """Write the draft of an account. Raises `Conflict` when it is not the `revision` that was meant any more."""
        self.read(text)  # what is too large to be read is not kept either
        written = await self._file.text()
        now = self._clock.now()
        async with self._store.transaction() as tx:
            draft = await tx.admins.draft(who)
            _check(draft, revision)
            base = _digest(written) if draft is None else draft.base
            await tx.admins.save_draft(who, Draft(text, base, now, revision + 1))

    async def change(self, who: str, change: Callable[[str], str], *, revision: int) -> None:
        """Change the text of the draft, or begin one with what the file says."""
        sheet = await self.sheet(who)
        await self.write(who, change(sheet.text), revision=revision)

    async def discard(self, who: str) -> None:
        """Throw the draft away: what is in force stays so."""
        async with self._store.transaction() as tx:
            await tx.admins.drop_draft(who)

    async def go_back(self, who: str, number: int) -> None:
        """Begin a draft with an old version of the policy, in place of any other draft. Raises `NotFound`."""
        version = await self._history.get(number)
        await self.discard(who)
        await self.write(who, version.written.text, revision=0)

    # ------------------------------------------------------------------ putting in force

    async def propose(self, sheet: Sheet) -> Proposal:
        """Compare a draft without errors with what is in force."""
        return await self._file.propose(sheet.text)

    async def save(
        self, who: str, *, revision: int, seen: str, note: str, version: int | None = None
    ) -> SavedPolicy:
        """Put the draft in force and on record; `version` is the old one that it is meant to be again.

        Raises `Conflict` when it is not the `revision` that was looked at, or the file is not the one that was `seen`
        then, `Malformed` when the draft has errors.
        """
        async with self._store.reading() as tx:
            draft = await tx.admins.draft(who)
        _check(draft, revision)
        if _digest(await self._file.text()) != seen:
            message = (
                "The policy was changed elsewhere since this page was loaded: look at what would change now."
            )
            raise Conflict(message, code="changed-elsewhere")
        if draft is None or self.read(draft.text).policy is None:
            raise Malformed("The policy has to be mended first.", code="broken-policy")
        undone = version is not None and (await self._history.get(version)).written.text == draft.text
        saved = await self._file.save(draft.text, who=who, why=Why.UNDO if undone else Why.APPLY, note=note)
        await self.discard(who)
        return saved


def _check(draft: Draft | None, revision: int) -> None:
    if (0 if draft is None else draft.revision) != revision:
        message = "The draft was changed in another window since this page was loaded: look at it anew."
        raise Conflict(message, code="changed-elsewhere")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
