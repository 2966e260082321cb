"""What a reload changes in a running relay. `relay.config.live` is the table of the keys.

Everything is exchanged in one step, without letting another task run in between: whoever decides something decides it
by the old configuration or by the new one. What is in flight goes on.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.config import live, values
from relay.config.load import InvalidConfiguration
from relay.domain.blocklist import POLICY_PREFIX
from relay.domain.consent import Sign
from relay.domain.errors import Refused
from relay.domain.policy_version import Why
from relay.domain.reload import Outcome, ReloadAnswer, ReloadRequest
from relay.domain.subscription import Mode
from relay.services.policy_history import text_digest
from relay.services.policy_lists import filled
from relay.services.reloads import ReloadWorker
from relay.wiring.brake import brake_rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.config.load import Configuration, Loaded
    from relay.config.settings import Settings
    from relay.domain.blocklist import Blocklist
    from relay.domain.policy import Policy
    from relay.domain.policy_version import PolicyVersion
    from relay.services.attestations import AttestationVerifier, Attestor
    from relay.services.blocks import Blocks
    from relay.services.braking import Braking
    from relay.services.consent import Consent
    from relay.services.moderation import Moderation
    from relay.services.posts import Posts
    from relay.services.profile import Profile
    from relay.services.screen import Screening
    from relay.services.selection import Selectors
    from relay.services.submissions import Submissions
    from relay.wiring.office import Office

RELAY: Final = "relay"
"""Who puts a policy in force when nobody gave a command."""

SETTLES: Final = 0.2
"""Seconds between two looks at the configuration: who writes a file without care empties it first."""
LOOKS: Final = 10
ELSEWHERE: Final = "this is the configuration of another relay, {}, or was read while it was being written"


async def record_start(office: Office, configuration: Configuration) -> None:
    """Put the policy that the relay starts with on record, and answer what was asked while it did not run."""
    async with office.store.reading() as tx:
        asked = await tx.reloads.open()
    digest = text_digest(configuration.written)
    meant = [one for one in asked if one.digest == digest]
    request = meant[-1] if meant else ReloadRequest(0, office.clock.now(), RELAY, Why.START)
    version = await _record(office, configuration, office.decider.policy, request)
    last = await office.policy_history.last()
    answer = ReloadAnswer(
        Outcome.APPLIED, version=last.number if last else None, new_version=version is not None
    )
    if asked:
        async with office.store.transaction() as tx:
            for one in asked:
                await tx.reloads.answer(one.id, answer, office.clock.now())


def _said(loaded: Loaded) -> tuple[object, ...]:
    return loaded.settings, loaded.policy, loaded.diagnostics


@dataclass(frozen=True, slots=True)
class Parts:
    """What of the relay can be changed while it runs, beside what belongs to the office."""

    profile: Profile
    blocks: Blocks
    moderation: Moderation
    selectors: Selectors
    consent: Consent
    posts: Posts
    screening: Screening
    attestor: Attestor
    verifier: AttestationVerifier
    submissions: Submissions
    braking: Braking


class Live:
    """The configuration in force. `settings` are the values that count now."""

    def __init__(self, configuration: Configuration, office: Office) -> None:
        self.settings = configuration.settings
        self._configuration, self._office = configuration, office
        self._parts: Parts | None = None
        self._worker = ReloadWorker(office.store, office.clock, office.signals)

    @property
    def configuration(self) -> Configuration:
        """What was read last, of which `settings` is what counts now."""
        return self._configuration

    def attach(self, parts: Parts) -> None:
        """Take the parts of the relay that is to be changed."""
        self._parts = parts

    def hang_up(self) -> None:
        """Take note of SIGHUP."""
        self._worker.hang_up()

    async def run(self) -> None:
        """Change the relay whenever it is asked for, until cancelled."""
        await self._worker.run(self.change)

    async def run_once(self) -> ReloadAnswer | None:
        """Change the relay if that is asked for now; return what came of it."""
        return await self._worker.run_once(self.change)

    async def written(self) -> Loaded:
        """Read the configuration as it is written now, without changing anything: what `saving.Desk` is made of."""
        again = self._configuration.again
        if again is None:
            raise Refused("this relay was started without a configuration", code="no-configuration")
        return await asyncio.to_thread(again, self._office.clock.now())

    async def _settled(self) -> Loaded:
        """Read the configuration until it says the same twice: nobody is to be taken at half a word."""
        loaded = await self.written()
        for _ in range(LOOKS):
            await self._office.clock.sleep(SETTLES)
            before, loaded = loaded, await self.written()
            if _said(before) == _said(loaded):
                break
        return loaded

    async def change(self, request: ReloadRequest) -> ReloadAnswer:
        """Read the configuration again and put it in force; nothing changes when it has errors."""
        office, loaded = self._office, await self._settled()
        try:
            new = loaded.require()
        except InvalidConfiguration as error:
            found = tuple(one.as_json() for one in error.diagnostics)
            return ReloadAnswer(Outcome.REFUSED, problem=str(error).rstrip("\n"), diagnostics=found)
        if new.settings.relay.url != self.settings.relay.url:
            return ReloadAnswer(Outcome.REFUSED, problem=ELSEWHERE.format(new.settings.relay.url))
        settings = live.taken_over(self.settings, new.settings)
        changed = live.differences(self.settings, settings)
        restart = live.differences(settings, new.settings)
        old = self._configuration
        if (new.policy.id, new.policy_lists) != (old.policy.id, old.policy_lists):
            changed.append("policy")
        policy = await filled(office.store, new.policy, new.policy_lists)
        # On record first: nothing is ever in force that is not.
        version = await _record(office, new, policy, request)
        if changed:
            self._exchange(settings, policy if "policy" in changed else None, new.policy_lists)
            self._configuration = new
        last = await office.policy_history.last()
        return ReloadAnswer(
            Outcome.APPLIED if changed else Outcome.UNCHANGED,
            tuple(changed),
            tuple(restart),
            last.number if last else None,
            version is not None,
        )

    def _exchange(self, settings: Settings, policy: Policy | None, sources: Sequence[Blocklist]) -> None:
        self.settings, office = settings, self._office
        if policy is not None:
            office.decider.policy, office.policy_lists.sources = policy, tuple(sources)
        lists = (*values.blocklists(settings), *sources)
        _change_office(office, settings, lists)
        if self._parts is not None:
            _change_relay(self._parts, office, settings, lists)
        office.signals.enforcement.set()
        office.signals.fanout.set()


def _change_office(office: Office, settings: Settings, lists: Sequence[Blocklist]) -> None:
    federation, identity = settings.federation, office.identity
    identity.name, identity.summary = settings.relay.name, settings.relay.description
    office.subscribers.mode, office.subscribers.allow = Mode(federation.subscriptions), federation.allow
    office.profiles.wanted = office.replay.wanted = federation.profile
    office.blocklists.lists = {one.name: one for one in lists}


def _change_relay(parts: Parts, office: Office, settings: Settings, lists: Sequence[Blocklist]) -> None:
    federation = settings.federation
    parts.profile.renew()
    parts.blocks.patterns = federation.block
    parts.blocks.allow = frozenset((*federation.allow, office.identity.server))
    parts.blocks.actions = {one.name: one.action for one in lists if not one.for_policy}
    parts.moderation.limits.rate = federation.rate
    parts.moderation.enforcement.banned = federation.block_software
    parts.selectors.wanted = federation.profile
    parts.consent.signs = [Sign(one) for one in federation.opt_outs]
    parts.posts.rules = values.receive_rules(settings)
    parts.screening.unlisted = federation.relay_unlisted
    parts.attestor.rules = values.issue_rules(settings)
    parts.verifier.trust = values.trust(settings)
    parts.submissions.follow(values.service_rules(settings))
    parts.braking.rules = brake_rules(settings.brake)


async def _record(
    office: Office, configuration: Configuration, policy: Policy, request: ReloadRequest
) -> PolicyVersion | None:
    return await office.policy_history.record(
        policy,
        configuration.written,
        [one.name.removeprefix(POLICY_PREFIX) for one in configuration.policy_lists],
        why=request.why,
        who=request.who,
        note=request.note,
    )
