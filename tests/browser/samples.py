"""The pages for people, those of the lab with something on them, made once for all browser tests."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mediaattest import from_data_url
from relay.domain.lab.cases import CASES
from tests import labs

if TYPE_CHECKING:
    from tests.browser.conftest import Site


KINDS = 18
"""Pages of `Samples.pages`."""


@dataclass(frozen=True)
class Samples:
    """Paths of pages that are there only once somebody did something."""

    inbox: str
    empty: str
    report: str
    listed: str

    @property
    def pages(self) -> tuple[str, ...]:
        """One page of every kind."""
        return (
            "/",
            "/subscriber",
            "/why",
            "/lab",
            "/lab/clauses",
            "/lab/clauses/V-21",
            "/lab/explain",
            "/lab/explain/bad-signature",
            "/lab/explain/ATT-006",
            "/lab/cases",
            "/lab/canary/",
            "/lab/inbox",
            self.inbox,
            self.empty,
            "/lab/report",
            self.report,
            f"/lab/compare?a={self.report.rpartition('/')[2]}&b={self.listed.rpartition('/')[2]}",
            "/lab/explain/nothing",
        )


def make(site: Site) -> Samples:
    """Fill the lab."""
    site.fediverse.server("issuer.test").serve("/actor", labs.actor())
    server = site.fediverse.server("a.test")
    alice = server.actor("/users/alice", "Person")
    inbox, empty = (site.run(site.relay.lab.inboxes.create("127.0.0.1")).token for _ in range(2))
    url = f"{site.url}/lab/inbox/{inbox}"
    header = f'"{from_data_url(labs.attestation())}"'
    _deliver(site, alice, url, labs.create(labs.attestation()), extra={"media-attestation": header})
    _deliver(site, alice, url, labs.create(labs.forged(), number=2))
    follow = {"id": "https://a.test/f", "type": "Follow", "actor": alice.id, "object": url}
    _deliver(site, alice, url, follow)
    _post(url, b'{"type": "Create"}', {"Content-Type": "application/activity+json"})
    site.run(site.relay.lab.inboxes.run_once())
    code, other = list(CASES)[5:7]
    reports = site.relay.lab.reports
    first = labs.report_of(target="https://relay.example/actor", failed=(code, other))
    report = site.run(reports.add(first, client="127.0.0.1", listed=False))
    listed = site.run(reports.add(labs.report_of(), client="127.0.0.1", listed=True))
    return Samples(
        f"/lab/inbox/{inbox}",
        f"/lab/inbox/{empty}",
        f"/lab/report/{report.token}",
        f"/lab/report/{listed.token}",
    )


def _deliver(site: Site, actor: Any, url: str, activity: dict[str, Any], **options: Any) -> None:
    request = actor.sign(url, activity, site.clock.now(), **options)
    _post(url, request.body, {name: value for name, value in request.headers if name != "host"})


def _post(url: str, body: bytes, headers: dict[str, str]) -> None:
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        assert answer.status == 202


def document(token: str) -> str:
    """A document to paste."""
    return json.dumps(labs.create(token), indent=1)
