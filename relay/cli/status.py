"""`assay status`: what the relay did and what waits."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli import brakes
from relay.cli.alerts import summed
from relay.cli.command import Command
from relay.cli.output import as_document, pairs, say, stamp
from relay.cli.replaytables import observed_line
from relay.cli.session import Session, pass_session
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
    "mode": "`enforce` or `observe`",
    "policy": "version of the policy in force",
    "observed": "`since`, `posts` of 7 days; of them `enforce` had `held`, `dropped`, `deferred`; null in `enforce`",
    "subscribers": "number by state: pending, accepted, rejected, suspended, unreachable",
    "waiting": "activities that wait for screening",
    "holds": "number by state: open, released, dropped, withdrawn",
    "brakes": "waves and incidents that are on, oldest first, as `assay waves list` shows them",
    "findings": "submitted files that are on a list and that nobody has dealt with, at most 200",
    "alerts": "messages to people by state: open, sealed (on its way), sent, given-up",
    "log": "`head`: last position; `watermark`: position up to which every subscriber was served",
    "blocklists": "by name: `entries` in force, `checked_at`, `error` or null, batches `pending`",
    "services": "hash services by name: `state` (ok, failing, paused, waiting), `answers` by outcome, `error`",
    "last_24_hours": "`activities` by state, `decisions` by what was done, `media` by scan outcome",
}


@click.command(cls=Command, answer=ANSWER)
@pass_session
def status(session: Session) -> None:
    """Show what the relay did and what waits, also while it runs."""
    found = session.run(_status(session))
    if session.as_json:
        as_document(found)
    else:
        _show(found)


async def _status(session: Session) -> dict[str, Any]:
    from relay.services.figures import Figures

    async with session.office() as office:
        counts = await Figures(office.store, office.clock).status(DAY)
        observed = await office.replay.observed_counts()
        return {
            "url": office.identity.url,
            "running": await office.store.is_served(),
            "mode": office.decider.policy.mode.value,
            "policy": office.decider.policy.id,
            "observed": None if observed is None else {**asdict(observed), "since": stamp(observed.since)},
            "subscribers": counts["subscribers"],
            "waiting": counts["waiting"],
            "holds": counts["holds"],
            "brakes": [brakes.document(one) for one in await office.waves.active()],
            "findings": len(await office.findings.all()),
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
            "services": {name: _service(state) for name, state in (await _states(office)).items()},
            "last_24_hours": {key: counts[key] for key in ("activities", "decisions", "media")},
        }


def _show(found: Mapping[str, Any]) -> None:
    subscribers, holds, log = found["subscribers"], found["holds"], found["log"]
    pending, held = subscribers.get("pending", 0), holds.get("open", 0)
    behind = log["head"] - log["watermark"]
    pairs(
        {
            "Relay": f"{found['url']}  ({'running' if found['running'] else 'not running'})",
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
            **_alerts(found["alerts"]),
            "Log": f"position {log['head']:,}, "
            + (f"slowest subscriber {behind:,} behind" if behind else "every subscriber is up to date"),
            **{f"List {name}": _list(row) for name, row in found["blocklists"].items()},
            **{f"Service {name}": _told(row) for name, row in found["services"].items()},
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


def _observed(counts: Mapping[str, Any] | None) -> dict[str, str]:
    return {} if counts is None else {"Observed": f"{observed_line(**counts)} -> assay policy observed"}


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


def _service(state: ServiceState | None) -> dict[str, Any]:
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


def _told(row: Mapping[str, Any]) -> str:
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


def _counted(states: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {state}" for state, count in states.items()) or "none"
