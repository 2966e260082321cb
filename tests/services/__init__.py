"""Fake hash services that speak the documented protocols: those of `assay demo --services` (ADR 0027)."""

from relay.cli.demo.services.arachnid import FakeArachnid
from relay.cli.demo.services.classifier import FakeClassifier
from relay.cli.demo.services.frame import HTML, FakeService, always, first, only, reply, running
from relay.cli.demo.services.hive import FakeHive
from relay.cli.demo.services.hma import FakeHma
from relay.cli.demo.services.photodna import FakePhotoDna

__all__ = [
    "HTML",
    "FakeArachnid",
    "FakeClassifier",
    "FakeHive",
    "FakeHma",
    "FakePhotoDna",
    "FakeService",
    "always",
    "first",
    "only",
    "reply",
    "running",
]
