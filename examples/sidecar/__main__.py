"""`python -m sidecar`: listens on loopback. `--help` names what it needs to know."""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

from .hook import Office, Sidecar
from .signing import Signer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line, by default the process's."""
    parser = argparse.ArgumentParser(prog="sidecar", description=__doc__)
    parser.add_argument("--relay", required=True, help="the relay's address: https://relay.example")
    parser.add_argument(
        "--connect", help="where the relay listens, if that is elsewhere: http://127.0.0.1:8080"
    )
    parser.add_argument("--key-id", required=True, help="id of the key in an actor document of the server")
    parser.add_argument("--key", required=True, type=Path, help="file with that RSA key (PEM)")
    parser.add_argument(
        "--media", required=True, action="append", metavar="PREFIX=FOLDER", help="where files are"
    )
    parser.add_argument("--port", type=int, default=8090)
    return parser.parse_args(words)


async def make(options: argparse.Namespace) -> web.Application:
    """The application, with its connection to the relay."""
    signer = Signer.load(options.key_id, options.key.read_bytes(), time.time)
    session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120))
    folders = {prefix: Path(folder) for prefix, _, folder in (one.rpartition("=") for one in options.media)}
    app = Sidecar(Office(options.relay.rstrip("/"), session, signer, options.connect), folders).app()

    async def close(_: web.Application) -> AsyncIterator[None]:
        yield
        await session.close()

    app.cleanup_ctx.append(close)
    return app


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    chosen = arguments()
    web.run_app(make(chosen), host="127.0.0.1", port=chosen.port)
