"""A relay on loopback with a fake fediverse around it, and a real Chromium that looks at its pages."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import threading
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from relay.adapters.keys import MAIN_KEY, write_private
from relay.adapters.signing import ThreadSigner
from relay.cli.serving import admin_app, listening, public_app
from relay.config.load import load
from relay.wiring import Outside, Relay, open_relay
from tests.fakes import START, FakeClock, FakeFediverse, private_pem, rsa_key

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Mapping

    from selenium.webdriver import Chrome

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
ABSENT = (
    "no Chromium with its driver here: on Debian or Ubuntu, as root, apt-get install chromium chromium-driver"
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",
)
CONFIG = """\
relay: {{url: "http://localhost:{port}", data: data, name: Example relay}}
federation: {{subscriptions: open, allow_http: true}}
lab: {{rate: unlimited, rate_of_all: unlimited}}
scanners:
  - {{name: canary, kind: list, builtin: canary}}
  - {{name: own-adults, kind: submitted, category: ncii, purpose: "Intimate pictures", country: any}}
  - {{name: own-minors, kind: submitted, category: ncii-minor, purpose: "Of people under 18", country: any}}
submit: {{pages: true, rate: unlimited, rate_of_all: unlimited, exit: "http://localhost:{port}/why"}}
"""
OFFICE = """\
# The relay of the admin pages; what they save is written here.
relay: {url: "https://relay.test", data: data, name: Example relay}
federation: {subscriptions: open}
policy:
  rules:
    - {name: Cats wait, when: {hashtags: cats}, then: quarantine, reason: cats}
    - {name: Text only, when: {media: none}, then: relay}
"""
NO_SCRIPTS = {"profile.managed_default_content_settings.javascript": 2}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say what is missing on a machine without a browser; in CI that is a failure (.ci/run)."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None or DRIVER is None:
                item.add_marker(pytest.mark.skip(reason=ABSENT))


@dataclass
class Site:
    """A relay that serves its pages, on a loop in a thread of its own."""

    url: str
    relay: Relay
    fediverse: FakeFediverse
    clock: FakeClock
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run something on the relay's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=30)


@dataclass
class Serving:
    """The thread of a site: the public side, or with `admin` the operator's, which may change its configuration."""

    folder: Path
    admin: bool = False
    started: threading.Event = field(default_factory=threading.Event)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    site: Site | None = None

    def work(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        clock = FakeClock(START)
        fediverse = FakeFediverse(clock)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        (self.folder / "data").mkdir()
        write_private(self.folder / "data" / MAIN_KEY, private_pem(rsa_key(7)))
        path = self.folder / "config.yaml"
        path.write_text(OFFICE if self.admin else CONFIG.format(port=port))
        configuration = load(path, {}, clock.now()).require()
        outside = Outside(clock, remote=fediverse, signer=_threads)
        async with AsyncExitStack() as stack:
            relay = await stack.enter_async_context(
                open_relay(configuration, exclusive=self.admin, outside=outside)
            )
            if self.admin:
                tasks = await stack.enter_async_context(asyncio.TaskGroup())
                stack.callback(tasks.create_task(relay.live.run()).cancel)
            app = admin_app(relay) if self.admin else public_app(relay)
            await stack.enter_async_context(listening(app, "127.0.0.1", port))
            self.site = Site(f"http://localhost:{port}", relay, fediverse, clock, asyncio.get_running_loop())
            self.started.set()
            await self.stop.wait()


def _threads(key_id: str, pem: bytes) -> ThreadSigner:
    return ThreadSigner(key_id=key_id, pem=pem, threads=1)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    yield from _serving(Serving(tmp_path_factory.mktemp("site")))


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The admin side of a relay."""
    yield from _serving(Serving(tmp_path_factory.mktemp("office"), admin=True))


def _serving(serving: Serving) -> Iterator[Site]:
    thread = threading.Thread(target=serving.work)
    thread.start()
    assert serving.started.wait(30)
    assert serving.site is not None
    yield serving.site
    serving.site.loop.call_soon_threadsafe(serving.stop.set)
    thread.join(30)


@dataclass
class Browser:
    """A real browser, and what it asked for and complained about."""

    driver: Chrome
    site: Site

    def open(self, path: str) -> None:
        """Go to a page of the relay."""
        self.driver.get(self.site.url + path)

    def look(self, *, width: int = 1280, height: int = 900, theme: str = "light") -> None:
        """Look through a window of this size, at a light or dark desktop."""
        phone = width < 600
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)

    def complaints(self) -> list[str]:
        """Everything in the console since the last look."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def strangers(self) -> list[str]:
        """Every request since the last look that was not for the relay."""
        own = urlsplit(self.site.url).netloc
        found = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                if urlsplit(url).scheme in {"http", "https", "ws", "wss"} and urlsplit(url).netloc != own:
                    found.append(url)
        return found


BROWSERS = ("browser", "plain_browser", "office_browser", "plain_office_browser")


@pytest.fixture(autouse=True)
def forget_complaints(request: pytest.FixtureRequest) -> None:
    """What is in the console of a browser is of this test alone."""
    for name in BROWSERS:
        if name in request.fixturenames:
            request.getfixturevalue(name).complaints()


@pytest.fixture(scope="session")
def browser(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    yield from _started(site, tmp_path_factory.mktemp("chromium"), {})


@pytest.fixture(scope="session")
def office_browser(office: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One at the admin side."""
    yield from _started(office, tmp_path_factory.mktemp("chromium-office"), {})


@pytest.fixture(scope="session")
def plain_office_browser(office: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One at the admin side with JavaScript switched off: nothing there needs it."""
    yield from _started(office, tmp_path_factory.mktemp("chromium-office-plain"), NO_SCRIPTS)


@pytest.fixture(scope="session")
def plain_browser(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One with JavaScript switched off."""
    yield from _started(site, tmp_path_factory.mktemp("chromium-plain"), NO_SCRIPTS)


def _started(site: Site, folder: Path, preferences: Mapping[str, Any]) -> Iterator[Browser]:
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", dict(preferences))
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    environment = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    driver = Chrome(options=options, service=Service(DRIVER, env=environment))
    try:
        driver.set_page_load_timeout(20)
        yield Browser(driver, site)
    finally:
        driver.quit()
