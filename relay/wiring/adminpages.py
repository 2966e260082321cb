"""The pages of the admin listener, put together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from relay.config.policy_draft import DraftReader
from relay.config.settings import names_in
from relay.services.admins import Admins
from relay.services.drafts import Drafts
from relay.services.overview import Overviews
from relay.services.triage import Triage
from relay.web.frame import static
from relay.web.office.door import SIGN_IN, Door
from relay.web.office.holds import HoldPages
from relay.web.office.overview import OverviewPage
from relay.web.office.policy import PolicyPages
from relay.web.office.recalls import RecallPages
from relay.web.office.rules import FormPages
from relay.web.office.signin import SignInPages
from relay.web.office.subscribers import SubscriberList
from relay.web.office.versions import VersionPages
from relay.web.office.waves import WavePages
from relay.wiring.policyfile import RunningPolicyFile

if TYPE_CHECKING:
    from aiohttp import web

    from relay.config.settings import Settings
    from relay.wiring.assembly import Relay


def admin_pages(relay: Relay) -> list[web.RouteDef]:
    """Return the routes of the pages for the operator."""
    office = relay.office
    admins = Admins(office.store, office.clock)
    door = Door(admins, office.identity, office.settings.admin.url)
    overviews = Overviews(
        store=office.store,
        clock=office.clock,
        decider=office.decider,
        blocklists=office.blocklists,
        findings=office.findings,
        flood=office.flood,
        hash_submissions=office.hash_submissions,
        hooks=office.hooks,
        recalls=office.recalls,
        replay=office.replay,
    )
    triage = Triage(office.store, office.holds)
    configuration = relay.live.configuration
    drafts = Drafts(
        store=office.store,
        clock=office.clock,
        reader=DraftReader(_directory(relay), *names_in(office.settings)),
        file=RunningPolicyFile(office, configuration.again, configuration.written),
        history=office.policy_history,
    )
    return [
        *SignInPages(door, admins).routes(),
        *OverviewPage(door, overviews, office.waves).routes(),
        *WavePages(door, office.waves).routes(),
        *RecallPages(door, office.recalls, office.settings.recall.notify).routes(),
        *HoldPages(door, office.holds, triage, office.explainer).routes(),
        *SubscriberList(door, office.subscribers, overviews, office.health).routes(),
        *PolicyPages(door, drafts, office.decider, office.policy_lists).routes(),
        *FormPages(door, drafts).routes(),
        *VersionPages(door, drafts, office.decider, office.replay, office.policy_history).routes(),
        static("style.css"),
        static("subscriber.css"),
        static("office.css"),
        static("icon.svg"),
    ]


def _directory(relay: Relay) -> Path:
    """Where the list files of a policy start: beside the file that it is written in."""
    again = relay.live.configuration.again
    home = None if again is None else again(relay.office.clock.now()).home
    return Path.cwd() if home is None else home.path.resolve().parent


def sign_in_address(settings: Settings, secret: str) -> str:
    """Where a sign-in link leads: through the proxy where there is one, else to this machine itself."""
    listen = settings.admin.listen
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(listen.host, listen.host)  # noqa: S104 - nothing listens here
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    origin = settings.admin.url or f"http://{host}:{listen.port}"
    return f"{origin}{SIGN_IN}?link={secret}"
