"""What replays found, in tables and sentences for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.cli.output import moment, pairs, say, stamp, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.domain.replay_report import (
        Comparison,
        Example,
        ObserveReport,
        ReplayReport,
        Report,
        Side,
    )

_DONE: Final = {"held": "quarantine", "dropped": "drop", "deferred": "defer"}
"""What `enforce` does with what is not relayed, as a sentence tells it."""


def show_replay(report: ReplayReport, now: float) -> None:
    """Tell how two policies, or a policy and what was decided, differ."""
    pairs(
        {
            "Before": _side(report.old),
            "After": _side(report.new),
            **_about(report, now),
            "Posts": _posts(report),
        }
    )
    _notes(report, now)
    if not report.counted:
        return
    say()
    if report.changed or report.moved:
        _verbs(report)
    _details(report)
    if not report.all_in_effect:
        _in_effect(report)


def show_observed(report: ObserveReport, now: float) -> None:
    """Tell what `enforce` would have done with what was relayed because the policy observed."""
    done = {name: report.verbs_after.get(verb, 0) for name, verb in _DONE.items()}
    say(observed_line(stamp(report.observing_since), report.counted, **done))
    pairs(_about(report, now))
    if report.acted_on:
        say(
            f"Not counted: {report.acted_on:,} posts of that time with which was done what was decided, because a "
            "known match is held even then, or because the policy enforced."
        )
    _notes(report, now)
    if report.changed:
        say()
        _details(report)


def observed_line(since: str | None, posts: int, *, held: int, dropped: int, deferred: int) -> str:
    """Tell in a line what `enforce` would have done with so many posts since a time."""
    if since is None:
        return "Nothing came yet that was only observed."
    share = f"{held:,} of {posts:,} posts ({_share(held, posts)})"
    began = f"{since[:10]} {since[11:16]} UTC"
    return f"Since {began} enforce would have held {share}, dropped {dropped:,}, deferred {deferred:,}."


def _side(side: Side) -> str:
    if side.policy is None:
        return "what was decided when it came"
    return f"policy {side.policy}, {side.mode}"


def _about(report: Report, now: float) -> dict[str, object]:
    until = "now" if now - report.until < 60 else moment(report.until, now)
    return {"Time": f"{moment(report.since, now)} to {until}"}


def _posts(report: Report) -> str:
    parts = [f"{report.same:,} come out alike"]
    if report.moved:
        parts.append(f"{report.moved:,} alike by another rule or for another reason")
    parts.append(f"{report.changed:,} differently ({_share(report.changed, report.counted)})")
    return f"{report.counted:,}: {', '.join(parts)}"


def _notes(report: Report, now: float) -> None:
    if not report.complete:
        say(f"The time was up: this is what came from {moment(report.reached, now)} on.")
    if report.facts_since is None:
        say("There are no facts yet: they are kept from now on, for as long as `federation.history` says.")
    elif report.facts_since > report.since + 60:
        say(f"There are facts from {moment(report.facts_since, now)} on.")
    if report.unreadable:
        say(f"Not counted: {report.unreadable:,} posts whose facts cannot be read.")


def _verbs(found: Comparison) -> None:
    names = dict.fromkeys((*found.verbs_before, *found.verbs_after))
    rows = [(name, found.verbs_before.get(name, 0), found.verbs_after.get(name, 0)) for name in names]
    table(
        ("action", "before", "after"),
        [(name, f"{before:,}", f"{after:,}") for name, before, after in rows],
        right=("before", "after"),
    )
    say()


def _details(found: Comparison) -> None:
    """Show everything that differs; nothing where nothing does."""
    if found.rules:
        say("By rule", bold=True)
        table(
            ("posts", "before", "after"),
            [
                (
                    f"{one.count:,}",
                    f'{one.before} by "{one.rule_before}"',
                    f'{one.after} by "{one.rule_after}"',
                )
                for one in found.rules
            ],
            right=("posts",),
            folds=("before", "after"),
        )
        _rest(found.other_rules, "posts by other rules")
        say()
    if found.servers:
        more = "at least " if found.at_least else ""
        accounts = "account" if found.actors == 1 else "accounts"
        say(f"By server of the author ({more}{found.actors:,} {accounts})", bold=True)
        table(
            ("server", "differently", "relayed no longer", "newly relayed"),
            [(one.server, *_numbers(one.changed, one.lost, one.gained)) for one in found.servers],
            right=("differently", "relayed no longer", "newly relayed"),
            folds=("server",),
        )
        others = found.other_servers
        _rest(others.count, "other servers", f"{others.changed:,} posts differently")
        say()
    if found.subscribers:
        say("By subscriber", bold=True)
        table(
            ("subscriber", "gets fewer", "gets more"),
            [(one.server, *_numbers(one.lost, one.gained)) for one in found.subscribers],
            right=("gets fewer", "gets more"),
            folds=("subscriber",),
        )
        others = found.other_subscribers
        _rest(others.count, "other subscribers", f"{others.lost:,} fewer, {others.gained:,} more")
        say()
    elif found.changed:
        say("No subscriber gets anything else.")
        say()
    _examples(found.examples)


def _examples(examples: Sequence[Example]) -> None:
    if not examples:
        return
    say("Examples, the newest of each", bold=True)
    for one in examples:
        say(f"  {one.object}")
        say(
            f'    {one.before} by "{one.rule_before}" -> {one.after} by "{one.rule_after}" ({one.reason_after})'
        )
    say()


def _in_effect(report: ReplayReport) -> None:
    found = report.in_effect
    say("What is really done", bold=True)
    say(
        f"A policy that observes relays what enforce would not. Counted so, {found.changed:,} of {found.counted:,} "
        f"posts are treated differently ({_share(found.changed, found.counted)})."
    )
    if found.changed:
        say()
        _verbs(found)
        _details(found)


def _numbers(*counts: int) -> tuple[str, ...]:
    return tuple(f"{count:,}" if count else "" for count in counts)


def _rest(count: int, what: str, sums: str = "") -> None:
    if count:
        say(f"and {count:,} {what}{': ' if sums else ''}{sums}")


def _share(part: int, whole: int) -> str:
    """Return a share for people: `1.2 %`, and never 0 for something or 100 for less than all."""
    percent = 100 * part / whole if whole else 0.0
    if 0 < percent < 0.1:
        return "less than 0.1 %"
    if 99.9 < percent < 100:
        return "more than 99.9 %"
    return f"{percent:.3g} %"
