"""The part of the relay that brakes waves of spam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from relay.domain.waves.watch import Sensitivity
from relay.services.accounts import Accounts
from relay.services.braking import BrakeMode, BrakeRules, Braking
from relay.services.wavekeeping import WaveKeeper

if TYPE_CHECKING:
    from relay.config.brake import BrakeSettings
    from relay.wiring.office import Office


@dataclass(frozen=True, slots=True)
class Brakes:
    """What decides with brakes, and the worker that looks after them."""

    braking: Braking
    keeper: WaveKeeper

    @classmethod
    def of(cls, office: Office) -> Self:
        """Put them together."""
        store, clock, rules = office.store, office.clock, brake_rules(office.settings.brake)
        accounts = Accounts(store, clock, young=rules.sensitivity.young)
        braking = Braking(store=store, clock=clock, alerts=office.alerts, accounts=accounts, rules=rules)
        keeper = WaveKeeper(
            store=store,
            clock=clock,
            alerts=office.alerts,
            braking=braking,
            waves=office.waves,
            accounts=accounts,
        )
        return cls(braking, keeper)

    def gauges(self) -> dict[str, float]:
        """Count the brakes that are on, for metrics."""
        active = self.braking.active()
        waves = sum(one.wave for one in active)
        return {"waves_active": waves, "incidents_active": len(active) - waves}


def brake_rules(settings: BrakeSettings) -> BrakeRules:
    """From settings to what the brake goes by."""
    return BrakeRules(
        mode=BrakeMode(settings.mode),
        sensitivity=Sensitivity(
            accounts=settings.accounts,
            within=settings.within.total_seconds(),
            young=settings.new_account.total_seconds(),
            mentions=settings.mentions,
            rate=settings.rate,
        ),
        duration=settings.duration.total_seconds(),
        longest=settings.longest.total_seconds(),
        exempt=settings.exempt,
    )
