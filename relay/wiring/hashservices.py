"""Puts the configured hash services together, in one row with the lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.adapters.media.stills import StillMaker
from relay.adapters.scanners.services.arachnid import Arachnid
from relay.adapters.scanners.services.classifier import Classifier
from relay.adapters.scanners.services.connection import ServiceConnection
from relay.adapters.scanners.services.edgehash import Hasher
from relay.adapters.scanners.services.hive import Hive
from relay.adapters.scanners.services.hma import Hma
from relay.adapters.scanners.services.photodna import PhotoDna
from relay.config.services import ANSWERS_LAST, KINDS, TIMEOUT
from relay.services.asking import ServiceScanner
from relay.services.hashservices import HashServiceWatch
from relay.wiring.listsync import basic, open_fetching, way_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AsyncExitStack

    from relay.config.services import ServiceSettings
    from relay.config.settings import Settings
    from relay.ports import Scanner
    from relay.ports.hashservices import HashService
    from relay.services.tally import Tally
    from relay.wiring.listsync import Fetching
    from relay.wiring.office import Office
    from relay.wiring.parts import Outside

COUNTED: Final = "scanner_answers"


class HashServices:
    """The scanners that ask services, and what fetches lists. `among` puts them where the configuration has them."""

    def __init__(
        self,
        names: Sequence[str],
        services: Sequence[ServiceScanner],
        watch: HashServiceWatch,
        fetching: Fetching,
    ) -> None:
        self._names, self.services, self._watch, self.fetching = names, services, watch, fetching

    def among(
        self, lists: Callable[[], Awaitable[Sequence[Scanner]]]
    ) -> Callable[[], Awaitable[list[Scanner]]]:
        """Return how all scanners are built, from how the lists are."""

        async def build() -> list[Scanner]:
            both: list[Scanner] = [*await lists(), *self.services]
            return sorted(both, key=lambda scanner: self._names.index(scanner.name))

        return build

    async def look(self) -> None:
        """See once how the services are doing."""
        await self._watch.run_once()

    async def run(self) -> None:
        """Keep what is known of the services current until cancelled; `fetching` has a worker of its own."""
        await self._watch.run()


async def open_services(
    stack: AsyncExitStack, office: Office, outside: Outside, tally: Tally
) -> HashServices:
    """Connect to the configured services; nothing is asked yet."""
    settings, clock = office.settings, office.clock
    way = way_of(office, outside.ca_file)
    found = []
    for one in settings.scanners:
        if not one.is_service:
            continue
        connection = ServiceConnection(
            one.name,
            one.address,
            way,
            timeout=(one.timeout or TIMEOUT).total_seconds(),
            headers=_credentials(one),
        )
        scanner = ServiceScanner(
            one.name,
            _service(one, await stack.enter_async_context(connection), settings),
            clock=clock,
            attests=one.attest,
            per_second=one.per_second or KINDS[one.kind].per_second,
            lasts=(one.answers_last or ANSWERS_LAST).total_seconds(),
            count=lambda name, outcome: tally.add(COUNTED, f"{name}: {outcome}"),
        )
        found.append(scanner)
    watch = HashServiceWatch(found, office.store, clock)
    await watch.load()
    fetching = await stack.enter_async_context(open_fetching(office, ca_file=outside.ca_file))
    return HashServices([one.name for one in settings.scanners], found, watch, fetching)


def _credentials(one: ServiceSettings) -> dict[str, str]:
    """The headers that show who asks."""
    if one.kind == "arachnid":
        return basic(one.user, one.password)
    if one.key is None:
        return {}
    return {
        "photodna": {"Ocp-Apim-Subscription-Key": one.key, "Cache-Control": "no-cache"},
        "safer": {"Authorization": f"Token {one.key}"},
    }.get(one.kind, {"Authorization": f"Bearer {one.key}"})


def _service(one: ServiceSettings, connection: ServiceConnection, settings: Settings) -> HashService:
    category = one.category or KINDS[one.kind].category
    seconds = (one.timeout or TIMEOUT).total_seconds()
    match one.kind:
        case "hma":
            return Hma(one.name, connection, category=category, categories=one.categories, banks=one.banks)
        case "arachnid":
            return Arachnid(one.name, connection, sends_media=one.send == "media")
        case "classifier":
            return Classifier(one.name, connection, threshold=one.threshold, category=category)
    stills = StillMaker(
        memory=settings.media.memory,
        timeout=settings.media.fetch_timeout.total_seconds(),
        max_pixels=settings.media.max_pixels,
    )
    if one.kind == "safer":
        return Hive(one.name, connection, as_jpeg=stills.jpeg)
    hasher = Hasher(one.hasher, timeout=seconds) if one.hasher else None
    return PhotoDna(one.name, connection, hasher=hasher, as_jpeg=stills.jpeg)
