"""Builds the world of the demo of hash services: all fakes, and the demo's relay with every one of them configured."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

from relay.cli.demo.services.pictures import make_pictures
from relay.cli.demo.services.scenario import STEPS
from relay.cli.demo.services.story import Story
from relay.cli.demo.services.table import open_fakes, sections
from relay.cli.demo.world import CANARY, open_world
from relay.config.default_policy import DEFAULT_POLICY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from relay.cli.demo.services.clock import HastyClock
    from relay.cli.demo.world import World

# What waits must not come back in the middle of another step.
POLICY: Final = DEFAULT_POLICY.replace("on_scanner_error: defer ", "on_scanner_error: defer 2 hours ", 1)


@asynccontextmanager
async def open_story(folder: Path, clock: HastyClock) -> AsyncIterator[tuple[World, Story]]:
    """Build everything in `folder`, which exists and is empty; it runs until the `async with` is left."""
    names = dict.fromkeys(step.picture for step in STEPS)
    async with AsyncExitStack() as stack:
        fakes = await stack.enter_async_context(open_fakes())
        pictures = await asyncio.to_thread(make_pictures, names)
        opened = open_world(folder, clock, scanners=sections(fakes, CANARY), policy=POLICY)
        world = await stack.enter_async_context(opened)
        story = Story(world, fakes, pictures, clock)
        await story.begin()
        yield world, story
