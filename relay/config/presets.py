"""Policies to begin with: `preset: small-instance`. What a policy writes itself goes before them.

- Keys of one's own (`mode`, `otherwise`, `on_scanner_error`, `profiles`, each list) stand in place of the preset's.
- `always`: the preset's rules first, then one's own. The floor of a preset can be raised and not lowered.
- `rules`: one's own first, then the preset's; a rule with the name of one of the preset's takes its place instead.
- `examples` of the preset are tried with the preset alone: a rule of one's own may well decide otherwise.

docs/adr/0016 says why; 0015, why only the strict ones care for a bad attestation.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from relay.config.diagnostics import Findings, Source, guess
from relay.config.document import Mapping, Node, Scalar, Sequence, parse

if TYPE_CHECKING:
    from relay.config.diagnostics import Span

_OBSERVE_ONLY: Final = """\
version: 1
mode: observe
on_scanner_error: defer
always:
  - {name: Known match, when: {match: known}, then: quarantine, reason: known-match}
rules:
  - {name: Test match, when: {match: test}, then: quarantine, reason: test-match}
  - {name: Near match, when: {match: [near, ncii, classifier]}, then: quarantine, reason: possible-match}
  - {name: Text only, when: {media: none}, then: relay}
  - {name: We scanned it, when: {scan: clean}, then: relay-and-attest}
  - {name: Trusted attestation, when: {attestation: valid}, then: relay}
  - {name: Cannot be hashed, when: {scan: unscannable}, then: relay-marked, reason: unsupported-type}
otherwise: quarantine
examples:
  - {given: {media: none}, expect: relay}
  - {given: {media: image, match: known}, expect: quarantine, by: Known match}
  - {given: {media: [image, video], scan: clean}, expect: relay-and-attest}
"""

_SMALL_INSTANCE: Final = """\
version: 1
mode: enforce
on_scanner_error: defer
always:
  - {name: Known match, when: {match: known}, then: quarantine, reason: known-match}
rules:
  - {name: Test match, when: {match: test}, then: quarantine, reason: test-match}
  - {name: Near match, when: {match: [near, ncii, classifier]}, then: quarantine, reason: possible-match}
  - {name: Flood, when: {posts from server: more than 120 per minute}, then: defer 10 minutes, reason: rate}
  - {name: Crowd of mentions, when: {mentions: more than 20}, then: quarantine, reason: mentions}
  - {name: Text only, when: {media: none}, then: relay}
  - {name: Trusted attestation, when: {attestation: valid}, then: relay}
  - name: Probation
    when: {subscribed for: less than 14 days, scan: unscannable}
    then: quarantine
    reason: probation
  - {name: We scanned it, when: {scan: clean}, then: relay-and-attest}
  - {name: Cannot be hashed, when: {scan: unscannable}, then: relay-marked, reason: unsupported-type}
otherwise: quarantine
examples:
  - {given: {media: none}, expect: relay, by: Text only}
  - {given: {media: image, match: near}, expect: quarantine, by: Near match}
  - {given: {media: [image, video], scan: clean}, expect: relay-and-attest}
  - {given: {media: video, scan: unscannable}, expect: relay-marked}
  - {given: {media: video, scan: unscannable, subscribed for: 2 days}, expect: quarantine, by: Probation}
  - {given: {media: none, posts from server: 300 per minute}, expect: defer}
"""

_STRICT: Final = """\
version: 1
mode: enforce
on_scanner_error: defer
profiles:
  strict: [relay, relay-and-attest]
always:
  - {name: Known match, when: {match: [known, ncii]}, then: quarantine, reason: known-match}
  - {name: Any other match, when: {match: any}, then: quarantine, reason: possible-match}
rules:
  - {name: Flood, when: {posts from server: more than 60 per minute}, then: defer 10 minutes, reason: rate}
  - {name: Crowd of mentions, when: {mentions: more than 10}, then: quarantine, reason: mentions}
  - {name: Text only, when: {media: none}, then: relay}
  - name: Bad attestation
    when: {attestation: [bad-signature, hash-mismatch, revoked, expired, untrusted]}
    then: quarantine
    reason: bad-attestation
  - {name: Probation, when: {subscribed for: less than 14 days}, then: quarantine, reason: probation}
  - {name: Trusted attestation, when: {attestation: valid}, then: relay}
  - {name: We scanned it, when: {scan: clean}, then: relay-and-attest}
otherwise: quarantine
examples:
  - {given: {media: none}, expect: relay}
  - {given: {media: image, match: classifier}, expect: quarantine, by: Any other match}
  - {given: {media: [image, video], scan: clean}, expect: relay-and-attest}
  - {given: {media: image, scan: clean, subscribed for: 3 days}, expect: quarantine, by: Probation}
  - {given: {media: image, scan: clean, attestation: expired}, expect: quarantine, by: Bad attestation}
  - {given: {media: video, scan: unscannable}, expect: quarantine, by: otherwise}
"""

_ATTESTED_ONLY: Final = """\
version: 1
mode: enforce
on_scanner_error: defer
profiles:
  strict: [relay]
always:
  - {name: Known match, when: {match: [known, ncii]}, then: quarantine, reason: known-match}
  - {name: Any other match, when: {match: any}, then: quarantine, reason: possible-match}
  - name: Forged attestation
    when: {attestation: [bad-signature, hash-mismatch, revoked]}
    then: quarantine
    reason: bad-attestation
  - {name: Stale attestation, when: {attestation: [expired, untrusted]}, then: drop, reason: bad-attestation}
  - {name: Unattested, when: {media: any, attestation: missing}, then: drop, reason: unattested}
rules:
  - {name: Text only, when: {media: none}, then: relay}
  - {name: Trusted attestation, when: {attestation: valid}, then: relay}
otherwise: drop
examples:
  - {given: {media: none}, expect: relay, by: Text only}
  - {given: {media: image, scan: clean}, expect: drop, by: Unattested}
  - {given: {media: image, attestation: valid}, expect: relay, by: Trusted attestation}
  - {given: {media: image, attestation: valid, match: near}, expect: quarantine}
  - {given: {media: image, attestation: expired}, expect: drop, by: Stale attestation}
  - {given: {media: image, attestation: bad-signature}, expect: quarantine}
"""

_SINGLE_USER: Final = """\
version: 1
mode: enforce
on_scanner_error: defer
always:
  - {name: Known match, when: {match: [known, ncii]}, then: drop, reason: known-match}
rules:
  - {name: Any other match, when: {match: any}, then: drop, reason: possible-match}
  - {name: Text only, when: {media: none}, then: relay}
  - {name: Trusted attestation, when: {attestation: valid}, then: relay}
  - {name: We scanned it, when: {scan: clean}, then: relay-and-attest}
  - {name: Cannot be hashed, when: {scan: unscannable}, then: relay-marked, reason: unsupported-type}
otherwise: drop
examples:
  - {given: {media: none}, expect: relay}
  - {given: {media: image, match: known}, expect: drop, by: Known match}
  - {given: {media: image, match: near}, expect: drop, by: Any other match}
  - {given: {media: [image, video], scan: clean}, expect: relay-and-attest}
  - {given: {media: video, scan: unscannable}, expect: relay-marked}
"""

_ARCHIVE: Final = """\
version: 1
mode: enforce
on_scanner_error: defer
lists:
  not-legal-XX: []
always:
  - {name: Known match, when: {match: [known, ncii]}, then: quarantine, reason: known-match}
  - {name: Not legal in XX, when: {from: list:not-legal-XX}, then: drop, reason: local-law-XX}
rules:
  - {name: Any other match, when: {match: any}, then: quarantine, reason: possible-match}
  - {name: Text only, when: {media: none}, then: relay}
  - {name: Trusted attestation, when: {attestation: valid}, then: relay}
  - {name: We scanned it, when: {scan: clean}, then: relay-and-attest}
  - {name: Cannot be hashed, when: {scan: unscannable}, then: relay-marked, reason: unsupported-type}
otherwise: relay-marked
examples:
  - {given: {media: none}, expect: relay}
  - {given: {media: image, match: near}, expect: quarantine}
  - {given: {media: [image, video], scan: clean}, expect: relay-and-attest}
  - {given: {media: [image, video], scan: unscannable}, expect: relay-marked}
"""

ARCHIVE: Final = "archive-country-XX"
"""The preset of which there is one for each country: `XX` stands for its two letters (ISO 3166-1)."""

PRESETS: Final = {
    "observe-only": (
        _OBSERVE_ONLY,
        "To look first: decides as the built-in policy would, and relays anyway. Known matches are held.",
    ),
    "small-instance": (
        _SMALL_INSTANCE,
        "For a relay among small servers: holds matches, floods and what newcomers send that cannot be checked.",
    ),
    "strict": (
        _STRICT,
        "Relays only what was checked or attested; whatever else has media waits for a person.",
    ),
    "attested-only": (
        _ATTESTED_ONLY,
        "Relays only media that a trusted issuer attests; all other media is dropped, forged attestations held.",
    ),
    "single-user": (
        _SINGLE_USER,
        "For a relay without anybody to review: what matches is dropped and nothing waits.",
    ),
    ARCHIVE: (
        _ARCHIVE,
        "For an archive in a country: all but matches and the servers in `not-legal-XX`, a list of your own.",
    ),
}
"""Every preset: its text and what it is for."""

_COUNTRY: Final = re.compile(r"archive-country-([a-z]{2})")


def preset_text(name: str) -> str | None:
    """The text of a preset, None when there is none of that name."""
    found = _COUNTRY.fullmatch(name)
    if found is not None:
        return _ARCHIVE.replace("XX", found[1])
    return PRESETS[name][0] if name in PRESETS and name != ARCHIVE else None


def with_preset(node: Mapping, findings: Findings) -> Mapping:
    """The policy with what its preset adds; the policy itself when it names none, or after an error P110."""
    named = node.get("preset")
    if named is None:
        return node
    name = named.text if isinstance(named, Scalar) else ""
    preset = _parsed(name)
    rest = Mapping(tuple(entry for entry in node.entries if entry[0].text != "preset"), node.span)
    if not isinstance(preset, Mapping):
        close = guess(name, (one for one in PRESETS if one != ARCHIVE))
        fix = "" if close else f"Presets are: {', '.join(PRESETS)}."
        if name.startswith("archive-country"):
            close, fix = "", "Write the two letters of a country, such as archive-country-de"
        findings.error("P110", "policy.preset", named.span, f'unknown preset "{name}"', fix=fix, guess=close)
        return rest
    return _merged(rest, preset)


@lru_cache(maxsize=8)  # a preset cannot change while the relay runs
def _parsed(name: str) -> Node | None:
    text = preset_text(name)
    return None if text is None else parse(Source(f"preset {name}", tuple(text.split("\n"))), Findings())


def is_from_preset(span: Span) -> bool:
    """Whether a place is in a preset and not in a file of the operator."""
    return span.source.name.startswith("preset ")


def _merged(own: Mapping, preset: Mapping) -> Mapping:
    entries = {key.text: (key, value) for key, value in preset.entries if key.text != "examples"}
    for key, value in own.entries:
        mine = (key, value)
        if key.text in entries:
            mine = (key, _joined(key.text, value, entries[key.text][1]))
        entries[key.text] = mine
    return Mapping(tuple(entries.values()), own.span)


def _joined(key: str, own: Node, preset: Node) -> Node:
    """One key that both have: lists and rules are joined, everything else is one's own."""
    if key == "lists" and isinstance(own, Mapping) and isinstance(preset, Mapping):
        kept = tuple(entry for entry in preset.entries if own.get(entry[0].text) is None)
        return Mapping((*own.entries, *kept), own.span)
    if isinstance(own, Sequence) and isinstance(preset, Sequence):
        if key == "always":
            return Sequence((*preset.items, *own.items), own.span)
        if key == "rules":
            return Sequence(_replaced(own.items, preset.items), own.span)
    return own


def _replaced(own: tuple[Node, ...], preset: tuple[Node, ...]) -> tuple[Node, ...]:
    """One's own rules, then the preset's, where one of the same name stands in the place of the preset's."""
    names, instead, first = {_name(item) for item in preset}, dict[str, Node](), list[Node]()
    for item in own:
        name = _name(item)
        if name in names and name not in instead:
            instead[name] = item
        else:
            first.append(item)
    return (*first, *(instead.get(_name(item), item) for item in preset))


def _name(node: Node) -> str:
    name = node.get("name") if isinstance(node, Mapping) else None
    return " ".join(name.text.split()) if isinstance(name, Scalar) else ""
