"""The eight realistic policies of the design, and the default policy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from relay.config.load import load
from relay.domain.facts import AttestationState, Facts, Scan, Standing
from relay.domain.media import MatchKind, MediaKind
from relay.domain.policy import Decision, Mode, Policy, Verb, decide
from relay.domain.rates import PostCounts

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2027, 7, 1, tzinfo=UTC).timestamp()
EIGHT = """\
version: 1
mode: observe
on_scanner_error: defer
lists:
  trusted-issuers: [relay.example.org, photos.example.net]
  not-here: {file: not-here.txt}
  iftas-dni: {csv: dni.csv, column: domain}
profiles:
  strict: [relay, relay-and-attest]
  open: [relay, relay-and-attest, relay-marked]
always:
  - {name: Known match, when: {match: known}, then: quarantine, reason: known-match, tell: [child-safety]}
  - {name: Do not interact, when: {from: list:iftas-dni}, then: drop, reason: blocked-domain}
rules:
  - name: Incident July
    when: {from: "*.badhost.example", media: any}
    then: drop
    reason: incident
    until: 2027-07-09
  - name: Near match
    when: {match: near, match distance: up to 31}
    then: quarantine
    reason: possible-match
  - name: Probation
    when: {subscribed for: less than 14 days, media: any}
    then: quarantine
    reason: probation
  - {name: Flood, when: {posts from server: more than 60 per minute}, then: defer 10 minutes, reason: rate}
  - {name: Not legal here, when: {from: list:not-here, media: any}, then: drop, reason: local-law}
  - {name: Text only, when: {media: none}, then: relay}
  - name: Forged or stale attestation
    when: {attestation: [bad-signature, hash-mismatch, expired, revoked]}
    then: quarantine
    reason: bad-attestation
  - {name: Trusted attestation, when: {attestation: valid, attested by: list:trusted-issuers}, then: relay}
  - name: We scan it ourselves
    when: {attestation: missing, media: image, scan: clean}
    then: relay-and-attest
  - name: Cannot be hashed
    when: {media: [video, audio, other], attestation: missing}
    then: relay-marked
    reason: unsupported-type
otherwise: quarantine
examples:
  - {given: {media: none}, expect: relay, by: Text only}
  - {given: {media: video, attestation: missing}, expect: relay-marked}
"""
KNOWN_FOR_LONG = Standing(subscribed_for=100 * 86_400, first_seen=100 * 86_400)
NEWCOMER = replace(KNOWN_FOR_LONG, subscribed_for=14 * 86_400 - 1)
IMAGE = Facts(
    media=frozenset({MediaKind.IMAGE}),
    scan=Scan.CLEAN,
    from_hosts=frozenset({"ok.example"}),
    standing=KNOWN_FOR_LONG,
)


@pytest.fixture(name="eight")
def _eight(tmp_path: Path) -> Policy:
    (tmp_path / "policy.yaml").write_text(EIGHT)
    (tmp_path / "not-here.txt").write_text("# countries\nelsewhere.example\n")
    (tmp_path / "dni.csv").write_text("#domain,#severity\nblocked.example,suspend\n")
    (tmp_path / "config.yaml").write_text("policy: {file: policy.yaml}\n")
    loaded = load(tmp_path / "config.yaml", {}, NOW)
    assert [diagnostic.code for diagnostic in loaded.diagnostics] == ["P108"]  # no channel is configured
    return loaded.require().policy


def facts(**changes: object) -> Facts:
    values = {name: getattr(IMAGE, name) for name in Facts.__dataclass_fields__}
    return Facts(**{**values, **changes})


@pytest.mark.parametrize(
    ("given", "would", "rule", "reason"),
    [
        (facts(match=MatchKind.KNOWN, scan=Scan.MATCH), Verb.QUARANTINE, "Known match", "known-match"),
        (
            facts(from_hosts=frozenset({"sub.blocked.example"})),
            Verb.DROP,
            "Do not interact",
            "blocked-domain",
        ),
        (facts(from_hosts=frozenset({"media.badhost.example"})), Verb.DROP, "Incident July", "incident"),
        (
            facts(match=MatchKind.NEAR, match_distance=20, scan=Scan.MATCH),
            Verb.QUARANTINE,
            "Near match",
            "possible-match",
        ),
        (facts(standing=NEWCOMER), Verb.QUARANTINE, "Probation", "probation"),
        (facts(standing=NEWCOMER, media=frozenset(), scan=None), Verb.RELAY, "Text only", "allowed"),
        (
            facts(standing=replace(KNOWN_FOR_LONG, posts=PostCounts(61, 61, 61))),
            Verb.DEFER,
            "Flood",
            "rate",
        ),
        (
            facts(standing=replace(KNOWN_FOR_LONG, posts=PostCounts(60, 90, 90))),
            Verb.RELAY_AND_ATTEST,
            "We scan it ourselves",
            "no-known-match",
        ),
        (facts(from_hosts=frozenset({"elsewhere.example"})), Verb.DROP, "Not legal here", "local-law"),
        (facts(media=frozenset(), scan=None), Verb.RELAY, "Text only", "allowed"),
        (
            facts(attestation=AttestationState.EXPIRED),
            Verb.QUARANTINE,
            "Forged or stale attestation",
            "bad-attestation",
        ),
        (
            facts(attestation=AttestationState.VALID, attested_by=frozenset({"relay.example.org"})),
            Verb.RELAY,
            "Trusted attestation",
            "allowed",
        ),
        (IMAGE, Verb.RELAY_AND_ATTEST, "We scan it ourselves", "no-known-match"),
        (
            facts(media=frozenset({MediaKind.VIDEO}), scan=Scan.UNSCANNABLE),
            Verb.RELAY_MARKED,
            "Cannot be hashed",
            "unsupported-type",
        ),
        (facts(scan=Scan.UNAVAILABLE), Verb.DEFER, "on_scanner_error", "scan-unavailable"),
        (facts(attestation=AttestationState.UNTRUSTED), Verb.QUARANTINE, "otherwise", "needs-review"),
    ],
)
def test_eight_policies(eight: Policy, given: Facts, would: Verb, rule: str, reason: str) -> None:
    decision = decide(eight, given, NOW)
    assert (decision.would, decision.rule, decision.reason) == (would, rule, reason)
    # Observe relays everything but the known match.
    assert decision.verb is (Verb.QUARANTINE if given.match is MatchKind.KNOWN else Verb.RELAY)


def test_incident_ends_after_its_last_day(eight: Policy) -> None:
    bad = facts(from_hosts=frozenset({"media.badhost.example"}))
    last = datetime(2027, 7, 9, 23, 59, 59, tzinfo=UTC).timestamp()
    assert decide(eight, bad, last).rule == "Incident July"
    assert decide(eight, bad, last + 1).rule == "We scan it ourselves"


def test_alerts_are_carried_to_the_decision(eight: Policy) -> None:
    assert decide(eight, facts(match=MatchKind.KNOWN), NOW).tell == ("child-safety",)


# ------------------------------------------------------------------------------------------ the default
def default(given: Facts) -> Decision:
    policy = load(None, {}, NOW).require().policy
    assert policy.mode is Mode.ENFORCE
    return decide(policy, given, NOW)


@pytest.mark.parametrize(
    ("given", "verb", "reason"),
    [
        (facts(match=MatchKind.KNOWN, scan=Scan.MATCH), Verb.QUARANTINE, "known-match"),
        (facts(match=MatchKind.TEST, scan=Scan.MATCH), Verb.QUARANTINE, "test-match"),
        (facts(match=MatchKind.NEAR, scan=Scan.MATCH), Verb.QUARANTINE, "possible-match"),
        (facts(match=MatchKind.NCII, scan=Scan.MATCH), Verb.QUARANTINE, "needs-review"),
        (
            facts(match=MatchKind.NCII, scan=Scan.MATCH, attestation=AttestationState.VALID),
            Verb.QUARANTINE,
            "ncii-match",
        ),
        (facts(media=frozenset(), scan=None), Verb.RELAY, "allowed"),
        (IMAGE, Verb.RELAY_AND_ATTEST, "no-known-match"),
        (facts(scan=None, attestation=AttestationState.VALID), Verb.RELAY, "allowed"),
        (facts(scan=Scan.UNSCANNABLE), Verb.RELAY_MARKED, "unsupported-type"),
        (facts(scan=Scan.UNAVAILABLE), Verb.DEFER, "scan-unavailable"),
        (facts(scan=None), Verb.QUARANTINE, "needs-review"),
    ],
)
def test_default_policy(given: Facts, verb: Verb, reason: str) -> None:
    decision = default(given)
    assert (decision.verb, decision.reason) == (verb, reason)


@pytest.mark.parametrize(
    "state", [state for state in AttestationState if state is not AttestationState.VALID]
)
@pytest.mark.parametrize("scan", [None, *Scan])
@pytest.mark.parametrize("kind", MediaKind)
def test_the_default_policy_takes_a_bad_attestation_for_none(
    state: AttestationState, scan: Scan | None, kind: MediaKind
) -> None:
    """Profile V-33: whoever can add or break an attestation must not be able to do a post any harm by it."""
    given = facts(media=frozenset({kind}), scan=scan, attestation=state)
    without = default(facts(media=frozenset({kind}), scan=scan, attestation=AttestationState.MISSING))
    assert default(given) == without
