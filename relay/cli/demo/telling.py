"""The demo in words: what terminal, plain lines and JSON have in common."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from relay.cli.demo.names import PHOTOS, RELAY
from relay.cli.output import counted
from relay.domain.subscription import Dialect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.cli.demo.results import Report, Result, Totals
    from relay.cli.demo.server import DemoServer
    from relay.cli.demo.world import World

TITLE: Final = "Assay demo: a relay and three small fediverse servers, all on this machine"
MAKING: Final = "making keys, certificates, pictures, a relay and three servers"


@dataclass(frozen=True, slots=True)
class Marks:
    """One character for what a server has of a post."""

    received: str
    verified: str
    posted: str
    nothing: str


MARKS: Final = Marks("✓", "◆", "↑", "·")
PLAIN_MARKS: Final = Marks("x", "A", "^", "-")

NEXT: Final = (
    "assay demo --keep                 the same, and it stays up to look around",
    "assay init relay.example.org      make a relay of your own",
    "assay --help                      everything else",
)


def legend(marks: Marks) -> str:
    """Explain the marks."""
    return (
        f"{marks.posted} posted  {marks.received} received  "
        f"{marks.verified} received, attestation verified  {marks.nothing} nothing"
    )


def server(one: DemoServer) -> str:
    """Tell how a server takes part."""
    attests = ", attests pictures" if one.name == PHOTOS else ""
    back = ", followed back" if one.followed else ""
    return f"{one.dialect.value} dialect{attests}{back}"


def why(result: Result) -> str:
    """Tell by what something was decided: a rule with its reason code, or an answer to the request."""
    if result.reason is not None:
        return f'"{result.why}" ({result.reason})'
    return f"answer {result.status}: {result.why}" if result.decision == "refused" else result.why


def totals(counts: Totals) -> str:
    """Return the counts in a line."""
    return (
        f"{counts.scans} scans for {counted(counts.media, 'file')}, "
        f"{counted(counts.attested, 'attestation')} issued, verified {counts.verified} times by receivers"
    )


def lessons(report: Report) -> Sequence[str]:
    """Say what the steps show, in a few sentences; nothing when they came out otherwise."""
    if not report.held:
        return ()
    counts = report.totals
    scanning = (
        f"One scan per file, for everybody: {counts.media} files took {counts.scans} scans. The same bytes were "
        f"not scanned twice, and what {PHOTOS} attests was not scanned at all. A false attestation saves no scan, and "
        "costs the post nothing."
    )
    verifying = (
        f"Who receives a picture need not scan it: {counts.verified} times a server verified the attestation of "
        f"{RELAY} or {PHOTOS} against the bytes that it fetched."
    )
    keeping = (
        f"Nobody received the {counts.held} posts that wait for a person (matches), the "
        f"{counts.dropped} broken pictures, nor what was forged or not public."
    )
    pictures = "Canary and list are pictures made by arithmetic. No real hash list has a part in this."
    return scanning, verifying, keeping, pictures


def verdict(report: Report, seconds: float) -> str:
    """Say whether everything came out as it had to."""
    steps = len(report.results)
    if report.held:
        return f"All {steps} steps came out as they had to, in {seconds:.1f} seconds."
    return f"{counted(len(report.faults), 'expectation')} did not hold:"


def visits(world: World) -> Sequence[str]:
    """Say how to look around while everything runs."""
    config, ca = world.folder / "config.yaml", world.folder / "ca.pem"
    host = world.url.partition("://")[2]
    return (
        f"assay --config {config} holds list",
        f"assay --config {config} status",
        f"assay --config {config} why {world.servers[PHOTOS].url}/posts/1",
        f"curl --cacert {ca} --resolve {host}:127.0.0.1 {world.url}/actor",
        f"curl {world.admin}/metrics",
        "Ctrl-C ends it and removes everything.",
    )


def document(report: Report, world: World, seconds: float) -> dict[str, Any]:
    """Return everything as one JSON document."""
    identity = world.relay.office.identity
    relay = {"url": identity.url, "actor": identity.actor, "inbox": identity.inbox, "admin": world.admin}
    return {
        "relay": relay,
        "servers": [
            {
                "name": one.name,
                "url": one.url,
                "actor": one.site.id,
                "dialect": one.dialect.value,
                "accepted": one.accepted,
                "followed_back": one.followed if one.dialect is Dialect.LITEPUB else None,
            }
            for one in world.servers.values()
        ],
        "steps": [result.as_json() for result in report.results],
        "totals": asdict(report.totals),
        "faults": list(report.faults),
        "ok": report.held,
        "seconds": round(seconds, 1),
        "folder": str(world.folder),
    }
