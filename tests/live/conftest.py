"""Collects the test of a service only if its key or address is in the environment: without, there is no such test."""

from __future__ import annotations

import os
from typing import Final

NEEDS: Final = {
    "photodna": ("LIVE_PHOTODNA_KEY",),
    "arachnid": ("LIVE_ARACHNID_USER", "LIVE_ARACHNID_PASSWORD"),
    "safer": ("LIVE_SAFER_KEY",),
    "hma": ("LIVE_HMA_URL",),
    "classifier": ("LIVE_CLASSIFIER_URL",),
    "ncmec": ("LIVE_NCMEC_USER", "LIVE_NCMEC_PASSWORD"),
    "stopncii": ("LIVE_STOPNCII_KEY", "LIVE_STOPNCII_FUNCTION_KEY"),
    "threatexchange": ("LIVE_THREATEXCHANGE_KEY", "LIVE_THREATEXCHANGE_GROUP"),
    "cloudflare": ("LIVE_CLOUDFLARE_ZONE", "LIVE_CLOUDFLARE_TOKEN"),
}
"""What each test needs; docs/hash-services.md tells people. Four are keepers of lists, and a tool."""

collect_ignore = [
    f"test_{kind}.py" for kind, names in NEEDS.items() if not all(os.environ.get(name) for name in names)
]
