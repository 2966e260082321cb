"""`assay attest`: scanning one media file with the relay's own scanners, and attesting it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli import sentences
from relay.cli.command import Command, answered
from relay.cli.media import read_media
from relay.cli.output import as_document, pairs, say, size, stamp
from relay.cli.session import Session, pass_session
from relay.domain.media import Decoded, ScanOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.intake import MediaFacts
    from relay.wiring import Relay

ANSWER: Final = {
    "file": "what was scanned",
    "attested": "whether there is an attestation; status 1 when not",
    "why_not": (
        "null, or not-clean, no-attesting-list, needs-https, issuing-off, withheld: why there is none"
    ),
    "outcome": "scan outcome: no-known-match, match, vendor-test-match, unscannable, unavailable",
    "reason": "why it could not be scanned, or null",
    "matches": (
        "for the operator only: kind, scanner, category, algorithm, distance, frames (that came as near), "
        "of (frames compared), entry (what tells entries apart)"
    ),
    "type": "media type by content, or null",
    "size": "bytes",
    "hash": "the property `hash`, ready to paste (FEP-b53d)",
    "attestation": "the property `attestation`, ready to paste, or null",
    "expires_at": "when the attestation ends, or null",
}

_WHY_NOT: Final = {
    "not-clean": "Not attested: only media that was checked without a match can be.",
    "no-attesting-list": (
        "Not attested: no list that may be attested is configured. A test list such as the canary shows only "
        "that scanning works, an empty one nothing; add a list with `file` under `scanners`."
    ),
    "needs-https": "Not attested: the issuer of an attestation needs an https id, and relay.url is http.",
    "issuing-off": "Not attested: attestation.issue is false.",
    "withheld": (
        "Not attested: a share of clean media is left out at random (attestation.withhold), so that a "
        "missing attestation tells nothing."
    ),
}


@click.command(cls=Command, answer=ANSWER)
@click.argument("file", metavar="FILE|URL")
@pass_session
def attest(session: Session, file: str) -> None:
    """Scan a media file with the relay's scanners and attest it.

    Prints the two properties for the object of a post. Exit status 1 when there is no attestation.
    """
    found = session.run(_attest(session, file))
    if session.as_json:
        as_document(found)
    else:
        _show(found)
    answered(yes=found["attested"])


async def _attest(session: Session, file: str) -> dict[str, Any]:
    from mediaattest import to_data_url

    async with session.relay() as relay:
        content = await read_media(file, relay.remote, relay.office.settings.media)
        facts = await relay.inspector.facts(content)
        digest = facts.digests.sha256
        token = await relay.attestor.token(digest)
        issued = await relay.attestor.look_up(digest) if token else None
        return {
            "file": file if "://" in file else Path(file).name,
            "attested": token is not None,
            "why_not": None if token else _why_not(relay, facts),
            "outcome": facts.result.outcome.value,
            "reason": facts.result.reason,
            "matches": [asdict(match) for match in facts.result.matches],
            "type": facts.decoded.media_type if isinstance(facts.decoded, Decoded) else None,
            "size": facts.digests.size,
            "hash": f"sha256:{digest}",
            "attestation": to_data_url(token) if token else None,
            "expires_at": stamp(issued.expires_at) if issued else None,
        }


def _why_not(relay: Relay, facts: MediaFacts) -> str:
    settings = relay.office.settings
    if facts.result.outcome is not ScanOutcome.NO_KNOWN_MATCH:
        return "not-clean"
    if not settings.attestation.issue:
        return "issuing-off"
    if not relay.attestor.rules.enabled:
        return "needs-https"
    if not any(scanner.attests and scanner.methods for scanner in relay.attestor.scanners):
        return "no-attesting-list"
    return "withheld"


def _show(found: Mapping[str, Any]) -> None:
    why = f" ({found['reason']})" if found["reason"] else ""
    rows = {
        "File": f"{found['file']}, {found['type'] or 'of unknown type'}, {size(found['size'])}",
        "Scan": f"{sentences.OUTCOMES[found['outcome']]}{why}",
    }
    if found["matches"]:
        rows["Matches"] = "\n".join(sentences.match(match) for match in found["matches"])
    if found["expires_at"]:
        rows["Valid until"] = found["expires_at"]
    pairs(rows)
    say()
    if found["attestation"]:
        say("Put both beside the `url` of the media:")
        say(f'"hash": "{found["hash"]}",')
        say(f'"attestation": "{found["attestation"]}"')
        say()
        say("It states: checked, no known match. It does not state: safe.")
    else:
        say(f"Hash: {found['hash']}")
        say(_WHY_NOT[found["why_not"]])
