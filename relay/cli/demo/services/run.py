"""`assay demo --services`, from beginning to end."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from relay.cli.demo.ending import end_on_sigterm, interruption
from relay.cli.demo.services import telling
from relay.cli.demo.services.clock import HastyClock
from relay.cli.demo.services.world import open_story
from relay.cli.output import as_document
from relay.cli.problems import Problem, Status


async def run(*, as_json: bool, keep: bool, seconds: float) -> bool:
    """Run the demo within so many seconds; return whether everything came out as it had to."""
    clock = HastyClock()
    loop = asyncio.get_running_loop()
    began = loop.time()
    end_on_sigterm()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="assay-demo-")))
        try:
            async with asyncio.timeout_at(began + seconds):
                world, story = await stack.enter_async_context(open_story(folder, clock))
        except TimeoutError:
            message = f"relay and services did not start within {seconds:g} seconds; give --seconds more"
            raise Problem(message, code="too-slow", status=Status.UNAVAILABLE) from None
        if not as_json:
            telling.opening(story.fakes)
        while len(story.results) < len(story.steps) and loop.time() < began + seconds:
            result = await story.take(story.steps[len(story.results)])
            if not as_json:
                telling.step(result)
        states, took = await story.states(), loop.time() - began
        story.rest()
        story.teach(folder / telling.CANARY_FILE)
        stop = interruption() if keep else None  # first: people may be quick
        if as_json:
            as_document(telling.document(story, states, world, took))
        else:
            telling.closing(story, states, took)
            if keep:
                telling.visits(story.fakes, folder)
        if stop is not None:
            sys.stdout.flush()
            await stop.wait()
    return not story.faults
