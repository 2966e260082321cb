"""`assay status`: what the relay did and what waits."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli import brakes
from relay.cli.alerts import summed
from relay.cli.command import Command
from relay.cli.listsync import syncs, told_of
from relay.cli.output import as_document, pairs, say, stamp, when
from relay.cli.processrows import process_lines, process_rows
from relay.cli.recall import told
from relay.cli.replaytables import observed_line
from relay.cli.session import Session, pass_session
from relay.domain.errors import Unavailable
from relay.domain.toolcheck import ToolCheck
from relay.domain.waves.brake import WAVES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.hashservice import ServiceState
    from relay.wiring.office import Office

DAY: Final = 24 * 3600.0

_DECISIONS: Final = (
    ("relayed", ("relay", "relay-and-attest", "relay-marked")),
    ("held", ("quarantine",)),
    ("dropped", ("drop",)),
    ("deferred", ("defer",)),
)

ANSWER: Final = {
    "url": "public origin of the relay",
    "running": "whether a relay runs on this database",
    "processes": "those that work, on PostgreSQL: `name` (host:id:chance), `shares` held of 256, `leads`; else null",
    "database": "why nothing can be written into it (no room on the disk); else null",
    "mode": "`enforce` or `observe`",
    "policy": "version of the policy in force",
    "observed": "`since`, `posts` of 7 days; of them `enforce` had `held`, `dropped`, `deferred`; null in `enforce`",
    "subscribers": "number by state: pending, accepted, rejected, suspended, unreachable",
    "waiting": "activities that wait for screening",
    "holds": "number by state: open, released, dropped, withdrawn",
    "brakes": "waves and incidents that are on, oldest first, as `assay waves list` shows them",
    "findings": "submitted files that are on a list and that nobody has dealt with, at most 200",
    "webhooks": "posts that came by web hook and that the policy would not relay, open ones; null without web hooks",
    "handed_in": "submissions of hashes of people's own pictures that wait for review",
    "flooding": "entries of hash lists that match everywhere, so that what they match is held",
    "recalls": "number by state: waiting, due, sent, dismissed, undone; `notices`: messages that did not arrive yet",
    "alerts": "messages to people by state: open, sealed (on its way), sent, given-up",
    "log": "`head`: last position; `watermark`: position up to which every subscriber was served",
    "blocklists": "by name: `entries` in force, `checked_at`, `error` or null, batches `pending`",
    "services": "hash services by name: `state` (ok, failing, paused, waiting), `answers` by outcome, `error`",
    "syncs": "lists that others keep, each as `assay lists status` shows it",
    "tools": "tools by name: when they were `checked_at`, `problems` in words, `error` or null",
    "last_24_hours": "`activities` by state, `decisions` by what was done, `media` by scan outcome",
}


@click.command(cls=Command, answer=ANSWER)
@pass_session
def status(session: Session) -> None:
    """Show what the relay did and what waits, also while it runs."""
    found, now = session.run(_status(session))
    if session.as_json:
        as_document(found)
    else:
        _show(found, now)


async def _status(session: Session) -> tuple[dict[str, Any], float]:
    from relay.services.figures import Figures

    async with session.office() as office:
        counts = await Figures(office.store, office.clock).status(DAY)
        observed = await office.replay.observed_counts()
        found = {
            "url": office.identity.url,
            "running": await office.store.is_served(),
            "processes": await process_rows(office),
            "database": await _trouble(office),
            "mode": office.decider.policy.mode.value,
            "policy": office.decider.policy.id,
            "observed": None if observed is None else {**asdict(observed), "since": stamp(observed.since)},
            "subscribers": counts["subscribers"],
            "waiting": counts["waiting"],
            "holds": counts["holds"],
            "brakes": [brakes.document(one) for one in await office.waves.active()],
            "findings": len(await office.findings.all()),
            "webhooks": await office.hooks.open() if office.settings.webhooks else None,
            "handed_in": await office.hash_submissions.waiting(),
            "flooding": len(await office.flood.busiest()),
            "recalls": dict(await office.recalls.counts()),
            "alerts": dict(summed(await office.alerts.counts())),
            "log": counts["log"],
            "blocklists": {
                one.name: {
                    "entries": sum(sizes.values()),
                    "checked_at": stamp(state.checked_at),
                    "error": state.error,
                    "pending": pending,
                }
                for one, state, sizes, pending in await office.blocklists.states()
            },
            "services": {name: service_row(state) for name, state in (await _states(office)).items()},
            "syncs": await syncs(office),
            "tools": await tool_rows(office),
            "last_24_hours": {key: counts[key] for key in ("activities", "decisions", "media")},
        }
        return found, office.clock.now()


async def _trouble(office: Office) -> str | None:
    """Try to write something; return why that cannot be done, as the database says it."""
    try:
        async with office.store.transaction() as tx:
            await tx.touch()
    except Unavailable as error:
        return str(error.__cause__ or error)
    return None


def _show(found: Mapping[str, Any], now: float) -> None:
    subscribers, holds, log = found["subscribers"], found["holds"], found["log"]
    pending, held = subscribers.get("pending", 0), holds.get("open", 0)
    behind = log["head"] - log["watermark"]
    pairs(
        {
            "Relay": f"{found['url']}  ({'running' if found['running'] else 'not running'})",
            **process_lines(found["processes"]),
            **({"Database": f"takes nothing: {found['database']}"} if found["database"] else {}),
            "Policy": f"{found['policy']}, {found['mode']}",
            **(
                {"Observed": f"{observed_line(**found['observed'])} -> assay policy observed"}
                if found["observed"]
                else {}
            ),
            "Subscribers": _counted(subscribers) + (" -> assay subscribers list" if pending else ""),
            "Waiting": f"{found['waiting']:,} for screening",
            "Holds": f"{held:,} open" + (" -> assay holds list" if held else ""),
            **{
                f"{'Wave' if one['kind'] in WAVES else 'Incident'} {one['number']}": _brake(one)
                for one in found["brakes"]
            },
            "Findings": f"{found['findings']:,} open"
            + (" -> assay submissions list" if found["findings"] else ""),
            **_hooks(found["webhooks"]),
            **_handed_in(found["handed_in"]),
            **_flood(found["flooding"]),
            **_recalls(found["recalls"]),
            **_alerts(found["alerts"]),
            "Log": f"position {log['head']:,}, "
            + (f"slowest subscriber {behind:,} behind" if behind else "every subscriber is up to date"),
            **{f"List {name}": _list(row) for name, row in found["blocklists"].items()},
            **{f"Service {name}": service_line(row) for name, row in found["services"].items()},
            **{f"Hashes {row['name']}": told_of(row, now) for row in found["syncs"]},
            **{f"Tool {name}": tool_line(row, now) for name, row in found["tools"].items()},
        }
    )
    day = found["last_24_hours"]
    decisions, scans = day["decisions"], day["media"]
    say()
    say("Last 24 hours", bold=True)
    counts = {
        "received": sum(day["activities"].values()),
        **{name: sum(decisions.get(verb, 0) for verb in verbs) for name, verbs in _DECISIONS},
        **{f"media, {outcome}": count for outcome, count in sorted(scans.items())},
    }
    shown = {name: f"{count:,}" for name, count in counts.items()}
    width = max(len(count) for count in shown.values())
    pairs({name: count.rjust(width) for name, count in shown.items()}, indent="  ")


def _hooks(findings: int | None) -> dict[str, str]:
    """What was found in posts that came by web hook; nothing where none are to come."""
    if findings is None:
        return {}
    return {"Web hooks": f"{findings:,} open" + (" -> assay webhooks findings" if findings else "")}


def _handed_in(submissions: int) -> dict[str, str]:
    """Whether hashes that people handed in wait for review; nothing where none do."""
    if not submissions:
        return {}
    some = "submission of hashes waits" if submissions == 1 else "submissions of hashes wait"
    return {"Handed in": f"{submissions:,} {some} for your review -> assay hashes list"}


def _flood(entries: int) -> dict[str, str]:
    """Whether entries of hash lists match everywhere; nothing while none does."""
    if not entries:
        return {}
    some = "1 entry of a hash list matches" if entries == 1 else f"{entries:,} entries of hash lists match"
    return {"Flood": f"{some} everywhere: such posts are held -> assay lists status"}


def _recalls(counts: Mapping[str, int]) -> dict[str, str]:
    """What came onto a list late; nothing where nothing is to be done."""
    if not any(counts.get(one) for one in ("waiting", "due", "notices")):
        return {}
    on_their_way = f", {counts['notices']:,} messages on their way" if counts["notices"] else ""
    return {"Recalls": f"{told(counts)}{on_their_way} -> assay recall status"}


def _alerts(states: Mapping[str, int]) -> dict[str, str]:
    """Whether people are told; nothing where nobody is to be."""
    if not states:
        return {}
    waiting, lost = states.get("open", 0) + states.get("sealed", 0), states.get("given-up", 0)
    parts = [f"{states.get('sent', 0):,} sent", f"{waiting:,} waiting"]
    if lost:
        parts.append(f"{lost:,} given up -> assay alerts list")
    return {"Alerts": ", ".join(parts)}


def _brake(row: Mapping[str, Any]) -> str:
    waiting = row["stopped"]["held"] + row["stopped"]["deferred"]
    command = "waves" if row["kind"] in WAVES else "incident"
    does = row["does"]
    return f"{row['what']}\n{does} until {row['until']}; {waiting:,} wait -> assay {command} show {row['number']}"


def _list(row: Mapping[str, Any]) -> str:
    read = "not read yet" if row["checked_at"] is None else f"read {row['checked_at']}"
    parts = [f"{row['entries']:,} servers, {read}"]
    if row["error"]:
        parts.append(f"last attempt failed: {row['error']}")
    if row["pending"]:
        parts.append("a sudden change waits for you -> assay blocks status")
    return "; ".join(parts)


async def _states(office: Office) -> dict[str, ServiceState | None]:
    """How every configured service is doing; None for one that no relay asked yet."""
    async with office.store.reading() as tx:
        known = {state.name: state for state in await tx.hash_services.all()}
    return {one.name: known.get(one.name) for one in office.settings.scanners if one.is_service}


def service_row(state: ServiceState | None) -> dict[str, Any]:
    """A service as JSON; None for one that no relay asked yet."""
    if state is None:
        return {"state": "waiting", "answers": {}, "answered_at": None, "error": None, "error_at": None}
    word = "paused" if state.paused else "failing" if state.failing else "ok"
    return {
        "state": word if state.answered_at or state.error_at else "waiting",
        "answers": dict(state.answers),
        "answered_at": stamp(state.answered_at),
        "error": state.error,
        "error_at": stamp(state.error_at),
    }


def service_line(row: Mapping[str, Any]) -> str:
    """A service in a line. An error that is over is told, too: it may come back."""
    states = {
        "waiting": "not asked yet",
        "ok": "answers",
        "failing": "FAILS: what it should check waits",
        "paused": "FAILS and is left alone for a while: what it should check waits",
    }
    parts = [states[row["state"]]]
    if row["answers"]:
        parts.append(_counted(row["answers"]))
    if row["error"]:
        parts.append(f"last error {row['error']} at {row['error_at']}")
    return "; ".join(parts)


async def tool_rows(office: Office) -> dict[str, Any]:
    """What was last found at every configured tool."""
    if office.settings.cloudflare.zone is None:
        return {}
    async with office.store.reading() as tx:
        known = {one.name: one for one in await tx.hash_services.checks()}
    one = known.get("cloudflare", ToolCheck("cloudflare"))
    told = {"checked_at": stamp(one.checked_at), "problems": list(one.problems)}
    return {one.name: {**told, "error": one.error, "error_at": stamp(one.error_at)}}


def tool_line(row: Mapping[str, Any], now: float) -> str:
    """A tool in a line or more."""
    looked = when(row["checked_at"], now) if row["checked_at"] else None
    lines = [f"looked at {looked}: on" if looked else "not looked at yet: the relay does when it runs"]
    if row["problems"]:
        lines = [f"DOES NOT DO WHAT IT SHOULD, looked at {looked}:", *row["problems"]]
    if row["error"]:
        lines.append(f"the last look failed, {when(row['error_at'], now)}: {row['error']}")
    return "\n".join(lines)


def _counted(states: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {state}" for state, count in states.items()) or "none"
