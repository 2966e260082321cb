"""The policy that is used when the configuration gives none; as text, so that it is read like any other."""

from __future__ import annotations

from typing import Final

DEFAULT_POLICY: Final = """\
version: 1
mode: enforce               # enforce = act; observe = decide and record, but relay anyway
on_scanner_error: defer     # defer | quarantine | relay
profiles:                   # each subscriber has one
  strict: [relay, relay-and-attest]
  open: [relay, relay-and-attest, relay-marked]
always:                     # safety floor; rules below cannot undo it
  - {name: Known match, when: {match: known}, then: quarantine, reason: known-match}
rules:                      # read top to bottom, the first that fits decides
  - {name: Test match, when: {match: test}, then: quarantine, reason: test-match}
  - {name: Near match, when: {match: near}, then: quarantine, reason: possible-match}
  - {name: Text only, when: {media: none}, then: relay}
  - {name: We scanned it, when: {scan: clean}, then: relay-and-attest}
  - {name: Trusted attestation, when: {attestation: valid}, then: relay}
  - {name: Cannot be hashed, when: {scan: unscannable}, then: relay-marked, reason: unsupported-type}
otherwise: quarantine
examples:                   # tried before the policy is used
  - {given: {media: none}, expect: relay, by: Text only}
  - {given: {media: image, scan: clean}, expect: relay-and-attest}
  - {given: {media: video, scan: clean}, expect: relay-and-attest}
  - {given: {media: image, match: known}, expect: quarantine, by: Known match}
  - {given: {media: image, match: near, match distance: 20}, expect: quarantine}
  - {given: {media: image, scan: unavailable}, expect: defer}
  - {given: {media: video, scan: unscannable}, expect: relay-marked}
  - {given: {media: image, scan: clean, attestation: bad-signature}, expect: relay-and-attest}
"""
"""Enforces: nothing with a match passes, media found clean is attested, what cannot be hashed is marked.
An attestation that does not verify is as good as none: see docs/adr/0015."""
