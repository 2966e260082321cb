"""The pictures of a test of a relay: made by arithmetic, harmless, and others in each run."""

from __future__ import annotations

from typing import Final

from PIL import Image

from relay.adapters.media.canary import CANARY_SEED, clean_picture, encoded, photograph
from relay.services.lab.carrier.posts import Pictures
from relay.services.lab.carrier.run import PICTURES

_WIDTH: Final = 320
_HEIGHT: Final = 240


def make_pictures(seed: str) -> Pictures:
    """Make them. Takes a second: call it in a thread."""
    return Pictures(
        clean=[
            clean_picture(f"lab {seed} {place}", width=_WIDTH, height=_HEIGHT) for place in range(PICTURES)
        ],
        recoded=encoded(
            Image.fromarray(photograph(f"clean lab {seed} 0", _WIDTH, _HEIGHT)), "JPEG", quality=60
        ),
        canary=encoded(Image.fromarray(photograph(CANARY_SEED)), "JPEG", quality=90),
    )
