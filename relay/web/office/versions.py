"""Putting a policy in force: what would change, the save itself, the history, and going back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aiohttp import web

from relay.domain.policy_changes import changes

if TYPE_CHECKING:
    from relay.domain.policy import Policy
    from relay.domain.policy_changes import Change
    from relay.domain.policy_version import PolicyVersion
    from relay.domain.replay_report import ReplayReport
    from relay.services.decide import Decider
    from relay.services.drafts import Drafts
    from relay.services.policy_history import PolicyHistory
    from relay.services.replay import Replay
    from relay.web.office.door import Door, Visit

CHECK: Final = "/policy/check"
HISTORY: Final = "/policy/history"
_PAGE: Final = 30
"""Versions on one page of the history."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A version in the history, with what it changed; None for the first one."""

    version: PolicyVersion
    changes: tuple[Change, ...] | None


@dataclass(frozen=True, slots=True)
class VersionPages:
    """The pages."""

    door: Door
    drafts: Drafts
    decider: Decider
    replay: Replay
    history: PolicyHistory
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    def routes(self) -> list[web.RouteDef]:
        """Return the route table."""
        page = self.door.page
        return [
            web.get(CHECK, page(self.check)),
            web.post("/policy/save", page(self.save)),
            web.get(HISTORY, page(self.list_)),
            web.get(HISTORY + r"/{number:\d{1,9}}", page(self.show)),
            web.post(f"{HISTORY}/undo", page(self.undo)),
        ]

    async def check(self, visit: Visit) -> web.Response:
        """Show what the draft would change: in the policy itself, and for what came in the last days."""
        sheet = await self.drafts.sheet(visit.who)
        proposal = report = None
        if sheet.changed and sheet.reading.policy is not None:
            proposal = await self.drafts.propose(sheet)
            report = await self._preview(proposal.policy)
        version = visit.request.query.get("version", "")
        return self.door.render(
            visit,
            "policy-check",
            sheet=sheet,
            proposal=proposal,
            report=report,
            version=version if version.isdigit() else "",
        )

    async def save(self, visit: Visit) -> web.Response:
        """Put the draft in force."""
        form = visit.form
        note, version = form.note(), form.get("version")
        saved = await self.drafts.save(
            visit.who,
            revision=form.number("revision"),
            seen=form.get("seen"),
            note=note,
            version=form.number("version") if version else None,
        )
        return self.door.render(visit, "policy-saved", sheet=None, saved=saved, policy=self.decider.policy)

    async def list_(self, visit: Visit) -> web.Response:
        """Show every version, the newest first, with what each changed."""
        sheet, found = await self.drafts.sheet(visit.who), await self.history.all()
        first = visit.request.query.get("before", "")
        upto = int(first) - 1 if first.isascii() and first.isdigit() and len(first) < 9 else len(found)
        shown = found[max(0, upto - _PAGE) : max(0, upto)]
        before = [None, *found][max(0, upto - _PAGE) : max(0, upto)]
        entries = [
            Entry(one, None if last is None else changes(last.record, one.record))
            for last, one in zip(before, shown, strict=True)
        ]
        return self.door.render(
            visit, "policy-history", sheet=sheet, entries=entries[::-1], newest=len(found), older=upto > _PAGE
        )

    async def show(self, visit: Visit) -> web.Response:
        """Show one version: what it changed, and its text."""
        version = await self.history.get(int(visit.request.match_info["number"]))
        before = await self.history.get(version.number - 1) if version.number > 1 else None
        last = await self.history.last()
        now = () if last is None else changes(version.record, last.record)
        entry = Entry(version, None if before is None else changes(before.record, version.record))
        sheet = await self.drafts.sheet(visit.who)
        return self.door.render(visit, "policy-version", sheet=sheet, entry=entry, since=now, last=last)

    async def undo(self, visit: Visit) -> web.Response:
        """Take an old version as the draft: it is looked at and saved like any other."""
        number = visit.form.number("number")
        await self.drafts.go_back(visit.who, number)
        return self.door.moved(f"{CHECK}?version={number}")

    async def _preview(self, policy: Policy) -> ReplayReport:
        async with (
            self._one_at_a_time
        ):  # it takes a core for seconds, and somebody may load the page again and again
            return await self.replay.preview(policy, self.decider.policy)
