"""The keys of how videos are looked at."""

from __future__ import annotations

from pydantic import Field

from relay.config.section import Section


class VideoSettings(Section):
    """What of a video is compared: single frames, the first and the last always among them."""

    frames_per_second: float = Field(
        default=1,
        ge=0.1,
        le=10,
        description="How many frames are compared of each second of a video.",
    )
    max_frames: int = Field(
        default=300,
        ge=2,
        le=1_000,
        description="How many frames of one video are compared at most; of a longer one they are further apart.",
    )
