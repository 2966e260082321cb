"""Logs and metrics. The services only count; here the counts become what operators' tools read."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prometheus_client.metrics_core import Metric


def set_up_logging(*, verbose: bool) -> None:
    """Send the log to standard error: for people on a terminal, one JSON object a line elsewhere."""
    people = sys.stderr.isatty()
    renderer = structlog.dev.ConsoleRenderer() if people else structlog.processors.JSONRenderer()
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler], force=True)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)


class Metrics(Collector):
    """Prometheus metrics, read from the services when somebody asks."""

    def __init__(
        self, counts: Mapping[tuple[str, str], int], gauges: Callable[[], Mapping[str, float]]
    ) -> None:
        self._counts, self._gauges = counts, gauges
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def page(self) -> tuple[bytes, str]:
        """Return the text and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def collect(self) -> Iterator[Metric]:
        """Yield every metric (called by the registry)."""
        families: dict[str, CounterMetricFamily] = {}
        for (name, label), count in sorted(self._counts.items()):
            family = families.setdefault(
                name, CounterMetricFamily(f"assay_{name}", f"{name} by outcome", labels=["outcome"])
            )
            family.add_metric([label], count)
        yield from families.values()
        for name, value in sorted(self._gauges().items()):
            yield GaugeMetricFamily(f"assay_{name}", name.replace("_", " "), value=value)
