"""What a reload changes while the relay runs: one table, which the reference and the relay itself are made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.config.section import Section

if TYPE_CHECKING:
    from relay.config.settings import Settings

LIVE: Final = (
    "relay.name",
    "relay.description",
    "relay.contact",
    "federation.subscriptions",
    "federation.allow",
    "federation.block",
    "federation.blocklists",
    "federation.block_software",
    "federation.rate",
    "federation.profile",
    "federation.publish_from",
    "federation.opt_outs",
    "federation.relay_unlisted",
    "attestation.issue",
    "attestation.lifetime",
    "attestation.lookup",
    "attestation.service",
    "attestation.service_for",
    "attestation.service_quota",
    "attestation.status_list",
    "attestation.withhold",
    "attestation.trusted",
    "attestation.accepted_lists",
    "brake.mode",
    "brake.duration",
    "brake.longest",
    "brake.exempt",
    "transparency.policy",
)
"""Keys that change at once, beside all of `policy`. Every other one is what it was until the relay starts anew."""


def values(settings: Settings) -> dict[str, object]:
    """Every value by its key, sections taken apart: `federation.rate`."""
    found: dict[str, object] = {}
    for name in type(settings).model_fields:
        section = getattr(settings, name)
        if isinstance(section, Section):
            found |= {f"{name}.{key}": getattr(section, key) for key in type(section).model_fields}
        else:
            found[name] = section
    return found


def differences(old: Settings, new: Settings) -> list[str]:
    """The keys that have different values, in the order of the reference."""
    before, after = values(old), values(new)
    return [key for key in after if before[key] != after[key]]


def taken_over(old: Settings, new: Settings) -> Settings:
    """The old settings with what can change at once as it is in the new ones."""
    sections: dict[str, object] = {}
    for name in type(old).model_fields:
        section = getattr(old, name)
        keys = [key.partition(".")[2] for key in LIVE if key.partition(".")[0] == name]
        if keys:
            fresh = {key: getattr(getattr(new, name), key) for key in keys}
            sections[name] = section.model_copy(update=fresh)
    return old.model_copy(update=sections)
