"""A real S3 server on loopback: moto, which answers what Amazon's own clients ask, behind a line that can break."""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.session import Session
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

BUCKET = "media"


class Line:
    """What lies between a client and the server. The next `breaks` answers that bring a picture break off."""

    def __init__(self, port: int) -> None:
        self._to, self.breaks = port, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _accept(self) -> None:
        threads = []
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threads.append(threading.Thread(target=self._carry, args=(client,)))
                threads[-1].start()
        for thread in threads:
            thread.join()

    def _carry(self, client: socket.socket) -> None:
        """Carry one request and its answer; the server closes after each."""
        with client, suppress(OSError):
            asked = b""
            while b"\r\n\r\n" not in asked and (piece := client.recv(65536)):
                asked += piece
            if not asked:
                return
            asked = asked.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
            with socket.create_connection(("127.0.0.1", self._to)) as server:
                server.sendall(asked)
                answer = b""
                while piece := server.recv(65536):
                    answer += piece
            if self.breaks and b"image/png" in answer:
                self.breaks -= 1
                answer = answer[:-1000]
            client.sendall(answer)


@dataclass
class Bucket:
    """A bucket on a server, and a client of ours to fill it."""

    endpoint: str
    client: Any
    line: Line

    def put(self, name: str, content: bytes, **more: Any) -> None:
        self.client.put_object(Bucket=BUCKET, Key=name, Body=content, **more)

    def empty(self) -> None:
        """Take out what an earlier test left: all servers of a process have the same buckets."""
        while found := self.client.list_objects_v2(Bucket=BUCKET).get("Contents"):
            for one in found:
                self.client.delete_object(Bucket=BUCKET, Key=one["Key"])


def credentials(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Credentials as programs find them, and none of whoever runs the tests."""
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "tester"),
        ("AWS_SECRET_ACCESS_KEY", "not a secret"),
        ("AWS_CONFIG_FILE", str(folder / "aws-config")),
        ("AWS_SHARED_CREDENTIALS_FILE", str(folder / "aws-credentials")),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ):
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)


@contextmanager
def bucket() -> Iterator[Bucket]:
    """Start the server with an empty bucket."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with ExitStack() as stack:
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        stack.callback(server._server.server_close)  # type: ignore[union-attr]
        stack.callback(server.stop)
        host, port = server.get_host_and_port()
        line = Line(port)
        stack.callback(line.close)
        client = Session().create_client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1")
        stack.callback(client.close)
        client.create_bucket(Bucket=BUCKET)
        found = Bucket(line.endpoint, client, line)
        found.empty()
        yield found
