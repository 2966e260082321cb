"""Fake keepers of hash lists, and Cloudflare's interface: those of `assay demo --services` (ADR 0027).

They are run like the other fakes: `async with running(FakeNcmec()) as url`. What they keep can be changed between two
requests, in any order of time.
"""

from relay.cli.demo.services.cloudflare import ZONE, FakeCloudflare
from relay.cli.demo.services.ncmec import FakeNcmec, Shared, xml
from relay.cli.demo.services.stopncii import FakeStopNcii, record
from relay.cli.demo.services.threatexchange import FakeThreatExchange, graph_error, signal

__all__ = [
    "ZONE",
    "FakeCloudflare",
    "FakeNcmec",
    "FakeStopNcii",
    "FakeThreatExchange",
    "Shared",
    "graph_error",
    "record",
    "signal",
    "xml",
]
