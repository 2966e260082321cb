"""Changing the policy: checked, written where it lives, taken up by the running relay, or put back as it was."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from relay.adapters.textfiles import replace_file
from relay.config.load import Configuration, InvalidConfiguration
from relay.config.policy_file import load_policy, load_policy_text
from relay.config.policy_home import with_policy
from relay.config.settings import names_in
from relay.domain.blocklist import POLICY_PREFIX
from relay.domain.errors import Conflict, Refused
from relay.domain.policy import Mode, Policy
from relay.domain.policy_changes import changes
from relay.domain.policy_record import record_of
from relay.domain.reload import Outcome
from relay.services.policy_history import text_digest
from relay.services.policy_lists import filled
from relay.wiring.office import open_office

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from relay.config.diagnostics import Diagnostic
    from relay.config.load import Loaded
    from relay.config.policy_file import LoadedPolicy
    from relay.config.policy_home import PolicyHome
    from relay.domain.blocklist import Blocklist
    from relay.domain.policy_changes import Change
    from relay.domain.policy_record import Record
    from relay.domain.policy_version import Why, WrittenPolicy
    from relay.domain.reload import ReloadAnswer
    from relay.domain.replay_report import ReplayReport
    from relay.services.replay import Progress
    from relay.wiring.office import Office

PATIENCE: Final = 60.0
"""Seconds that the running relay may take to read its configuration again."""
_NOTHING: Final = Policy(1, Mode.ENFORCE, ())
"""Stands for a policy that cannot be read where nothing is decided."""


class Refusal(Refused):
    """The running relay found errors in its configuration, and keeps what it had."""

    code = "invalid-configuration"

    def __init__(self, answer: ReloadAnswer) -> None:
        """`diagnostics` are what it found, as JSON."""
        super().__init__(answer.problem)
        self.diagnostics = answer.diagnostics


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy without errors that is not in force yet. `sources` are the lists of others that it names.

    `changes` are the differences from the policy in force; none when it decides alike. `seen` is the file that it is to
    be written in, as it was then.
    """

    policy: Policy
    sources: tuple[Blocklist, ...]
    written: WrittenPolicy
    record: Record
    changes: tuple[Change, ...]
    warnings: tuple[Diagnostic, ...]
    seen: bytes


@dataclass(frozen=True, slots=True)
class Saved:
    """What came of saving a policy. `answer` is the running relay's, None when none runs: the next start takes it up.

    `path` is the file that it is written in, `backup` that file as it was before, None when nothing was to be written.
    """

    path: str
    backup: str | None
    answer: ReloadAnswer | None


class Desk:
    """Where a policy is changed. `loaded` is the configuration as it is written now."""

    def __init__(self, office: Office, loaded: Loaded) -> None:
        self.office, self._loaded = office, loaded

    @property
    def home(self) -> PolicyHome:
        """Where the policy is written. Raises `Refused` when that is no file."""
        if self._loaded.home is None:
            message = "there is no configuration file to write the policy to: make one with `assay init`"
            raise Refused(message, code="no-configuration")
        return self._loaded.home

    @property
    def text(self) -> str:
        """The policy as it is written now; empty when it cannot be read."""
        return self._loaded.reading.written.text if self._loaded.reading else ""

    async def in_force(self) -> Record:
        """Return the record of the policy in force, or of the one that the relay would start with the first time."""
        last = await self.office.policy_history.last()
        if last is not None:
            return last.record
        return record_of(self._loaded.policy or _NOTHING, _names(self.office.policy_lists.sources))

    async def preview(self, draft: Draft, progress: Progress | None = None) -> ReplayReport:
        """Try a draft on what came in the last days, against the policy in force where that can be read."""
        return await self.office.replay.preview(draft.policy, await self._old(), progress=progress)

    async def _old(self) -> Policy | None:
        policy, sources = self._loaded.policy, self.office.policy_lists.sources
        if policy is None or record_of(policy, _names(sources)) != await self.in_force():
            return None  # the file was changed by hand: what was decided then is the other side
        return await filled(self.office.store, policy, sources)

    async def draft(self, text: str, *, shown: str) -> Draft:
        """Read a policy as it would be read where it is to live, examples tried. Raises `InvalidConfiguration`.

        `shown` is what people see as the name of the text.
        """
        return await self._draft(partial(load_policy_text, text, shown=shown))

    async def draft_of(self, file: Path) -> Draft:
        """Read a policy in a file likewise."""
        return await self._draft(partial(load_policy, file))

    async def _draft(self, load: Callable[..., LoadedPolicy]) -> Draft:
        home = self.home.path
        scanners, channels = names_in(self.office.settings)
        # Lists in files may be long, and this may be the running relay.
        loaded = await asyncio.to_thread(
            load,
            now=self.office.clock.now(),
            directory=home.resolve().parent,
            scanners=scanners,
            channels=channels,
        )
        if loaded.reading is None or loaded.reading.policy is None:
            raise InvalidConfiguration(loaded.diagnostics)
        reading, policy = loaded.reading, loaded.reading.policy
        record = record_of(policy, _names(reading.sources))
        return Draft(
            policy=await filled(self.office.store, policy, reading.sources),
            sources=reading.sources,
            written=reading.written,
            record=record,
            changes=changes(await self.in_force(), record),
            warnings=loaded.diagnostics,
            seen=await asyncio.to_thread(home.read_bytes),
        )

    async def save(self, draft: Draft, *, who: str, why: Why, note: str = "") -> Saved:
        """Write a policy where it lives and let the running relay take it.

        Raises `InvalidConfiguration`, `Refusal` or `Refused`, and puts the file back, when the whole configuration does
        not go with it; `Conflict` when somebody else changed the file since the draft was made.
        """
        home, office = self.home, self.office
        if await asyncio.to_thread(home.path.read_bytes) != draft.seen:
            message = f"{home.path} was changed meanwhile: look at what would change now"
            raise Conflict(message, code="changed-meanwhile")
        after = _content(home, draft.seen, draft.written.text)
        backup = None
        if after != draft.seen:
            backup = await asyncio.to_thread(replace_file, home.path, after)
        try:
            again = self._loaded.again
            if again is not None:
                (await asyncio.to_thread(again, office.clock.now())).require()
            digest = text_digest(draft.written)
            number = await office.reloads.ask(who=who, why=why, note=note, digest=digest)
            answer = accepted(await hear(office, number))
        except BaseException:
            if backup is not None:
                replace_file(home.path, draft.seen)
            raise
        return Saved(str(home.path), None if backup is None else str(backup), answer)


@asynccontextmanager
async def open_desk(loaded: Loaded) -> AsyncIterator[Desk]:
    """Open the office to change its policy, also when the present one cannot be read: then this is how to mend it.

    Raises `InvalidConfiguration` when anything else of the configuration is wrong.
    """
    if loaded.settings is None:
        raise InvalidConfiguration(loaded.diagnostics)
    sources = loaded.reading.sources if loaded.reading else ()
    async with open_office(Configuration(loaded.settings, loaded.policy or _NOTHING, sources)) as office:
        yield Desk(office, loaded)


async def hear(office: Office, number: int) -> ReloadAnswer | None:
    """Return what the running relay answers to a question; None when no relay runs.

    Raises `Refused` when the one that runs is too old to be asked, or gives no answer.
    """
    if not await office.store.is_served():
        return None
    answer = None
    if await office.store.served_by() is not None:
        answer = await office.reloads.answer(number, office.store.is_served, PATIENCE)
    if answer is None:
        await office.reloads.withdraw(number)
        raise Refused("the running relay gave no answer: look at its log, or restart it", code="no-answer")
    return answer


def accepted(answer: ReloadAnswer | None) -> ReloadAnswer | None:
    """The answer again. Raises `Refusal` when the relay found errors."""
    if answer is not None and answer.outcome is Outcome.REFUSED:
        raise Refusal(answer)
    return answer


def _content(home: PolicyHome, before: bytes, policy: str) -> bytes:
    mark = b"\xef\xbb\xbf" if before.startswith(b"\xef\xbb\xbf") else b""
    text = policy if not home.block else with_policy(before.decode("utf-8-sig"), policy)
    return mark + text.encode()


def _names(sources: Sequence[Blocklist]) -> list[str]:
    return [one.name.removeprefix(POLICY_PREFIX) for one in sources]
