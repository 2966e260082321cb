"""From the inbox to the last of 50 subscribers, at a fifth of what the relay can deliver.

    python -m bench.latency [--posts 60]

Milliseconds, median and 99th percentile, for text, for posts with a picture that nobody has seen, and with one that was
looked at before. The peak is measured first, with the same subscribers. A post has arrived when all deliveries that
were due until then are answered. Pictures come from a server of the benchmark, 640 x 480, a pattern.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import statistics
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop
from aiohttp import ClientSession, web
from PIL import Image

from bench.fanout import reached
from bench.inbound import create
from bench.world import SinkProcess, bench_relay, publish, save, subscribe
from relay.cli.serving import listening, public_app
from relay.domain.intake import StoredKey
from tests.fakes import pem_of, rsa_key, sign_request
from tests.unit.protocol.signed_ld import sign_ld

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SUBSCRIBERS, PEAK_POSTS = 50, 60
KINDS = ("text", "image unknown", "image known")
FIRST = 10_000
"""Numbers of the posts whose way is measured begin here."""


def picture() -> bytes:
    """A pattern as a PNG."""
    made = io.BytesIO()
    Image.radial_gradient("L").resize((640, 480)).save(made, "PNG")
    return made.getvalue()


@asynccontextmanager
async def media_server() -> AsyncIterator[str]:
    """The server of who posts: the same picture at every path, but for its last bytes; its inbox takes everything."""
    content, app = picture(), web.Application()

    async def get(request: web.Request) -> web.Response:
        return web.Response(body=content + request.path.encode(), content_type="image/png")

    async def inbox(_: web.Request) -> web.Response:
        return web.Response(status=202)

    app.router.add_get("/{path:.*}", get)
    app.router.add_post("/inbox", inbox)
    async with listening(app, "127.0.0.1", 0) as port:
        yield f"origin.test:{port}"


def signed_create(server: str, number: int, kind: str) -> bytes:
    """A Create of the given kind, signed inside."""
    activity = create(server, number)
    path = {"image unknown": f"new-{number}.png", "image known": "known.png"}.get(kind)
    if path is not None:
        url = f"http://{server}/{path}"
        activity["object"]["attachment"] = [{"type": "Document", "mediaType": "image/png", "url": url}]
    return json.dumps(sign_ld(activity, rsa_key(0), f"{activity['actor']}#main-key")).encode()


async def measure(port: int, posts: int) -> dict[str, object]:
    """The peak in deliveries per second, and milliseconds for each post of each kind."""
    with tempfile.TemporaryDirectory() as folder:
        async with bench_relay(Path(folder)) as relay, media_server() as server, ClientSession() as session:
            await subscribe(relay, [f"s{n}.test" for n in range(SUBSCRIBERS)], port)
            await subscribe(relay, ["origin.test"], int(server.rsplit(":", 1)[1]))
            actor = f"http://{server}/users/alice"
            key = StoredKey(f"{actor}#main-key", actor, pem_of(rsa_key(0)), time.time())
            async with relay.office.store.transaction() as tx:
                await tx.subscribers.save_key(key)
            async with asyncio.TaskGroup() as tasks, listening(public_app(relay), "127.0.0.1", 0) as inbox:
                workers = [tasks.create_task(relay.fanout.run()), tasks.create_task(relay.screening.run())]
                everybody = SUBSCRIBERS + 1
                await publish(relay, 0, 2)
                await reached(relay.fanout, 2 * everybody)
                began = time.perf_counter()
                await publish(relay, 2, PEAK_POSTS)
                await reached(relay.fanout, (2 + PEAK_POSTS) * everybody)
                peak = PEAK_POSTS * everybody / (time.perf_counter() - began)
                every = 5 * SUBSCRIBERS / peak

                async def post(number: int, kind: str) -> float:
                    body = signed_create(server, number, kind)
                    signed = sign_request(rsa_key(0), key.id, "http://relay.test/inbox", body, time.time())
                    start = time.perf_counter()
                    async with session.post(
                        f"http://127.0.0.1:{inbox}/inbox", data=body, headers=dict(signed.headers)
                    ) as answer:
                        assert answer.status == 202, answer.status
                    return start

                found: dict[str, object] = {"peak deliveries/s": peak}
                for place, kind in enumerate(KINDS):
                    first = FIRST * (place + 1)
                    if kind == "image known":
                        due = relay.fanout.delivered + SUBSCRIBERS
                        await post(first - 1, kind)
                        await reached(relay.fanout, due)
                    due, ways = relay.fanout.delivered, []
                    for number in range(posts):
                        next_at = time.perf_counter() + every
                        due += SUBSCRIBERS
                        start = await post(first + number, kind)
                        await reached(relay.fanout, due)
                        ways.append((time.perf_counter() - start) * 1000)
                        await asyncio.sleep(max(0.0, next_at - time.perf_counter()))
                    ways.sort()
                    found[kind] = {"p50": statistics.median(ways), "p99": ways[int(0.99 * (len(ways) - 1))]}
                for worker in workers:
                    worker.cancel()
            return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--posts", type=int, default=60)
    posts = parser.parse_args().posts
    with SinkProcess() as port:
        found = uvloop.run(measure(port, posts))
    print(f"at a fifth of {found['peak deliveries/s']:,.0f} deliveries per second, {SUBSCRIBERS} subscribers")
    for kind in KINDS:
        times = found[kind]
        print(f"{kind:>16}: p50 {times['p50']:6.0f} ms, p99 {times['p99']:6.0f} ms")  # type: ignore[index]
    save("latency", found)


if __name__ == "__main__":
    main()
