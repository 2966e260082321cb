"""The plugin in examples/peertube-plugin-assay, in Node, called as PeerTube calls it, against a real relay."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from relay.adapters.media.canary import CANARY_SEED, photograph
from relay.adapters.media.samples import clip
from relay.adapters.system import SystemClock
from relay.cli.serving import listening, public_app
from relay.cli.setup import make_keys
from relay.config.load import load
from relay.wiring import Outside, open_relay
from tests.interop.oracle import HERE, Script

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

TOKEN = "peertube-0123456789-abcd"
CONFIG = f"""\
relay: {{data: data}}
media: {{decoders: 1, max_size: 4 MiB}}
scan_api: {{clients: [{{name: peertube, token: {TOKEN}}}], max_size: 2 MiB}}
"""
UPLOAD = "filter:api.video.upload.accept.result"
IMPORT = "filter:api.video.post-import-url.accept.result"
TAKEN = {"accepted": True}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Script]:
    with Script(HERE / "peertube/server.mjs", tmp_path / "peertube.log") as running:
        yield running


@dataclass
class Videos:
    """A relay, and PeerTube with the plugin and some files."""

    server: Script
    folder: Path
    url: str

    async def upload(self, content: bytes, hook: str = UPLOAD, **settings: Any) -> dict[str, Any]:
        """Let PeerTube ask about a file; return what the plugin says, and what it logged."""
        path = self.folder / "upload.mp4"
        await asyncio.to_thread(path.write_bytes, content)
        about = {"videoFile": {"path": str(path)}, "videoFilePath": str(path)}
        return await self.call(hook, about, **settings)

    async def call(self, hook: str, params: Any, result: Any = None, **settings: Any) -> dict[str, Any]:
        own = {"url": self.url, "token": TOKEN, "timeout": "20", "accept-unchecked": False}
        asked = {"hook": hook, "params": params, "result": result or TAKEN, "settings": own | settings}
        found: dict[str, Any] = await asyncio.to_thread(self.server.ask, "call", **asked)
        return found


@asynccontextmanager
async def serving(server: Script, folder: Path) -> AsyncIterator[Videos]:
    config = folder / "config.yaml"
    config.write_text(CONFIG)
    configuration = load(config, {}, 0).require()
    make_keys(configuration.settings)
    async with (
        open_relay(configuration, outside=Outside(SystemClock())) as relay,
        listening(public_app(relay), "127.0.0.1", 0) as port,
    ):
        yield Videos(server, folder, f"http://127.0.0.1:{port}/api/v1/scan/peertube")


def refused(found: dict[str, Any], sentence: str) -> bool:
    return found["result"] == {"accepted": False, "errorMessage": sentence}


async def test_videos_are_taken_or_refused_as_the_relay_says(server: Script, tmp_path: Path) -> None:
    clean, known = (
        clip([photograph(f"a {seed}"), photograph(seed), photograph(f"b {seed}")])
        for seed in ("harmless", CANARY_SEED)
    )
    async with serving(server, tmp_path) as videos:
        hooks = (await asyncio.to_thread(server.ask, "hooks"))["hooks"]
        assert len(hooks) == 5
        for hook in hooks:
            assert await videos.upload(clean, hook) == {"result": TAKEN, "logged": []}
            found = await videos.upload(known, hook)
            assert refused(found, "This file is not accepted."), hook
            assert found["logged"] == []
        no = {"accepted": False, "errorMessage": "somebody else said no"}
        assert (await videos.call(UPLOAD, {}, no))["result"] == no


async def test_whatever_goes_wrong_is_not_a_yes_unless_the_operator_said_so(
    server: Script, tmp_path: Path
) -> None:
    video = clip([photograph("a harmless one")])
    unchecked = "This file could not be checked. Try again later."
    async with serving(server, tmp_path) as videos:
        for wrong in (
            {"token": "wrong"},
            {"url": "http://127.0.0.1:9/"},
            {"url": "no address"},
            {"url": videos.url.replace("scan", "nsfw")},
        ):
            found = await videos.upload(video, **wrong)
            assert refused(found, unchecked), wrong
            assert TOKEN not in found["logged"][0]
            taken = await videos.upload(video, **wrong, **{"accept-unchecked": True})
            assert taken["result"] == TAKEN
        assert refused(await videos.call(UPLOAD, {}), unchecked)
        assert refused(await videos.call(IMPORT, {"videoFilePath": str(tmp_path / "gone")}), unchecked)
        large = await videos.upload(video + bytes(3_000_000), **{"accept-unchecked": True})
        assert refused(large, "This file is not accepted.")  # the relay's own rule for what it cannot check
