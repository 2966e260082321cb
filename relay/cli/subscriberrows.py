"""A subscriber as commands answer it, and the one that somebody names."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from relay.cli.output import stamp
from relay.cli.problems import Problem, Status
from relay.domain import hosts
from relay.domain.errors import Malformed, NotFound
from relay.domain.subscription import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.condition import Condition
    from relay.domain.software import Software
    from relay.domain.subscription import Subscription
    from relay.wiring import Office

ROW: Final = {
    "number": "number of the subscription",
    "actor": "id of the actor that follows",
    "server": "its server",
    "inbox": "where deliveries go",
    "dialect": "`mastodon` or `litepub`",
    "state": "pending, accepted, rejected, suspended or unreachable",
    "reason": "why it is in this state, or null",
    "software": "what its server runs, as its NodeInfo says, or null",
    "condition": "well, catching-up, resting (its server fails), unreachable, suspended or not-served",
    "since": "time of the first Follow",
    "delivered": "activities that arrived",
    "refused": "activities that its server refused for good",
    "failed": "activities that were given up",
    "skipped": "activities that it did not want, by reason",
    "behind": "log positions that it has yet to get; null when it is not served",
    "last_error": "last error of a server that fails now, or null",
    "wants": "what it chose: profile (null: the default), direction, languages, hashtags, media, rate, sample, recalls",
    "gets": "the same in words",
    "locked": "whether only `subscribers set` changes that, not its own admin",
}
SERVED: Final = frozenset({State.ACCEPTED, State.UNREACHABLE})


async def row_of(
    office: Office, subscription: Subscription, condition: Condition | None = None
) -> dict[str, Any]:
    """A subscriber as a JSON object. `condition`: how it is doing, where that is known already."""
    details = await office.subscribers.details(subscription)
    software = await office.subscribers.software(subscription)
    if condition is None:
        condition = (await office.health.of(subscription)).condition
    gets = office.profiles.sentence(subscription.profile)
    return document(subscription, details, software, gets, condition)


def document(
    subscription: Subscription,
    details: Mapping[str, Any],
    software: Software | None,
    gets: str,
    condition: Condition,
) -> dict[str, Any]:
    """The same of what was looked up."""
    host = details["host"]
    return {
        "number": subscription.id,
        "actor": subscription.actor,
        "server": subscription.server,
        "inbox": subscription.inbox,
        "dialect": subscription.dialect.value,
        "state": subscription.state.value,
        "reason": subscription.reason,
        "software": None if software is None else str(software),
        "condition": condition.value,
        "since": stamp(subscription.created_at),
        "delivered": details["delivered"],
        "refused": details["refused"],
        "failed": details["failed"],
        "skipped": details["skipped"],
        "behind": details["behind"] if subscription.state in SERVED else None,
        "last_error": host["error"] if host and host["failures"] else None,
        "wants": subscription.profile.as_json(),
        "gets": gets,
        "locked": subscription.profile_locked,
    }


async def named(office: Office, text: str) -> str:
    """Return what `find` knows: names as people type them are made canonical. Raises `Problem` with a guess."""
    from relay.config.diagnostics import guess

    name = text
    if "/" not in text:
        with suppress(Malformed):  # a number is no server name
            name = hosts.parse_pattern(text)
    try:
        await office.subscribers.find(name)
    except NotFound as error:
        meant = guess(name, [one.server for one in await office.subscribers.all()])
        hint = f'; did you mean "{meant}"?' if meant else ""
        raise Problem(f"{error}{hint}", code=error.code, status=Status.NO) from error
    return name
