"""Alerts: who is told, and how several are summed up. None holds what strangers wrote or chose."""

from __future__ import annotations

from dataclasses import replace

from relay.domain import alertwords
from relay.domain.alerts import EVENTS, KINDS, LISTED, Alert, AlertKind, ChannelRules, Message
from relay.domain.policy import Decision, Verb

HELD = Decision(
    Verb.QUARANTINE,
    Verb.QUARANTINE,
    enforced=True,
    seconds=0,
    rule="Known match",
    reason="known-match",
    policy="1-0",
    trace=(),
    tell=("child-safety",),
)
DROPPED = replace(HELD, verb=Verb.DROP, would=Verb.DROP, rule="Incident", reason="incident")


def message(*alerts: Alert, count: int | None = None) -> Message:
    """A message of these alerts."""
    return Message(1, "k", "mods", alerts[0].kind, count or len(alerts), alerts, 1.0, 2.0)


def test_a_channel_takes_the_kinds_that_it_chose_and_what_names_it() -> None:
    mods = ChannelRules("mods", "webhook", frozenset({AlertKind.HOLD}), 900.0)
    safety = ChannelRules("child-safety", "mail", frozenset(), 900.0)
    held, ruled = alertwords.held(7, HELD), alertwords.ruled(12, DROPPED)
    assert (mods.takes(held), safety.takes(held)) == (True, True)
    assert (mods.takes(ruled), safety.takes(ruled)) == (False, True)
    other = alertwords.held(8, replace(HELD, tell=()))
    assert (mods.takes(other), safety.takes(other)) == (True, False)


def test_every_kind_is_described_and_can_be_chosen_but_two() -> None:
    assert set(KINDS) == set(AlertKind)
    assert set(AlertKind) - set(EVENTS) == {AlertKind.RULE, AlertKind.TEST}


def test_one_alert_is_told_as_it_is() -> None:
    one = message(alertwords.held(7, HELD))
    assert one.title == "Held: known-match"
    assert one.text == (
        'Hold 7 waits for a person. Reason known-match, rule "Known match". See: assay holds show 7'
    )
    assert one.urgent
    assert not message(alertwords.subscriber_waits(3)).urgent


def test_what_is_fetched_and_looked_at_for_the_operator_is_told_by_its_name() -> None:
    one = message(alertwords.sync_fails("ncmec", 3, "bad-answer"))
    assert one.text == (
        '"ncmec" could not be fetched 3 times in a row: bad-answer. What is in force stays, and gets older. '
        "See: assay lists status"
    )
    assert "1 thing is wrong" in message(alertwords.tool_fails("cloudflare", 1)).text
    assert "2 things are wrong" in message(alertwords.tool_fails("cloudflare", 2)).text


def test_several_are_summed_up_by_title() -> None:
    probation = replace(HELD, reason="probation")
    many = message(
        *(alertwords.held(number, HELD) for number in range(1, 11)), alertwords.held(11, probation), count=31
    )
    assert many.title == "31 alerts about held posts"
    assert many.text.splitlines() == [
        "10 x Held: known-match (hold 1, hold 2, hold 3, hold 4, hold 5, hold 6, hold 7, hold 8, ...)",
        "1 x Held: probation (hold 11)",
        "and 20 more",
        "See: assay holds list",
    ]
    trials = message(alertwords.trial("mods"), alertwords.trial("mods"))
    assert trials.text == "2 x A test alert\nSee: assay alerts list"
    keys = message(alertwords.key_rotated("att-2026-11", "cli:ann"), alertwords.key_rotated("b", "cli:ann"))
    assert keys.text == "2 x A new attestation key (key att-2026-11, key b)\nSee: assay keys list"
    assert LISTED == 20


def test_a_rule_that_tells_says_what_was_done() -> None:
    dropped = alertwords.ruled(12, DROPPED)
    assert (dropped.kind, dropped.channels, dropped.about) == (
        AlertKind.RULE,
        ("child-safety",),
        "activity 12",
    )
    assert dropped.title == "Dropped: incident"
    assert dropped.text == 'Dropped by rule "Incident", reason incident. See: assay why 12'
    observed = alertwords.ruled(12, replace(HELD, verb=Verb.RELAY, enforced=False))
    assert observed.title == "Held: known-match"
    assert "It was relayed all the same: the policy only observes." in observed.text
    assert dropped.once == "activity 12 Incident"  # a deferred post is decided again and again


def test_the_relays_own_alerts() -> None:
    texts = [
        alertwords.holds_wait(1, 24, "a"),
        alertwords.holds_wait(1_200, 24, "b"),
        alertwords.found(HELD),
        alertwords.checked("social", HELD, "checked 1"),
        alertwords.list_fails("iftas", 3, "timeout"),
        alertwords.list_waits("iftas", 4, 1_000, 2),
        alertwords.list_grew("local", 12, "cli:ann"),
        alertwords.list_floods(21, "20 per hour", "flood 1"),
        alertwords.scanner_down("photodna", 1_000.4, 10),
        alertwords.key_revoked("att-2026-11", 5, "cli:ann"),
        alertwords.unreachable(5, 9, "c"),
        alertwords.recalled(3, waits=True),
        alertwords.recalled(4, waits=False),
        alertwords.trial("mods"),
    ]
    assert [alert.title for alert in texts] == [
        "A hold waits for long",
        "1,200 holds wait for long",
        "A submitted file is on a list: known-match",
        "A post that came by web hook: known-match",
        "A list of servers cannot be read",
        "A change of a list of servers waits",
        "A hash list grew",
        "An entry of a hash list matches everywhere",
        "A scanner does not answer",
        "An attestation key was revoked",
        "Many subscribers cannot be reached",
        "Something that was relayed came onto a list",
        "Something that was relayed came onto a list",
        "A test alert",
    ]
    assert all("See: assay " in alert.text for alert in texts)
    assert texts[2].channels == ("child-safety",)
    assert texts[8].once == "scanner photodna 1000"
    flood = texts[7]
    assert (flood.kind, flood.once, flood.about) == (AlertKind.FLOOD, "flood 1", "")
    assert flood.text == (
        "It matched in 21 posts, more than 20 per hour, and may be wrong. Until that ends what it matches is held, "
        "where the policy would drop it. See: assay lists status"
    )
    assert alertwords.found(HELD, refused=True).text.startswith("A media server was told not to take it")
