"""`assay lab inbox`: a real process, real deliveries over loopback."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from relay.cli.lab.inbox import ANSWER, _place
from tests import labs
from tests.fakes import ACTIVITY, pem_of, rsa_key, sign_request

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]


class Sender:
    """An actor on loopback, over plain http, that also takes what is sent to it."""

    def __init__(self) -> None:
        sender = self
        self.received: list[dict[str, Any]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(200, json.dumps(sender.document()).encode())

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                sender.received.append(json.loads(self.rfile.read(length)))
                self.answer(202, b"")

            def answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", ACTIVITY)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.id = f"http://127.0.0.1:{self.server.server_port}/actor"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def document(self) -> dict[str, Any]:
        key = {"id": f"{self.id}#main-key", "owner": self.id, "publicKeyPem": pem_of(rsa_key(1))}
        return {"id": self.id, "type": "Service", "inbox": f"{self.id}/inbox", "publicKey": key}

    def deliver(self, inbox: str, activity: dict[str, Any]) -> None:
        body = json.dumps(activity).encode()
        signed = sign_request(rsa_key(1), f"{self.id}#main-key", inbox, body, time.time())  # noqa: TID251
        post(inbox, body, {name: value for name, value in signed.headers if name != "host"})


def post(url: str, body: bytes, headers: dict[str, str]) -> None:
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        assert answer.status == 202


@pytest.fixture
def sender() -> Iterator[Sender]:
    made = Sender()
    yield made
    made.server.shutdown()
    made.server.server_close()


@contextmanager
def started(*words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command; the value is it and the address of its actor."""
    command = [sys.executable, "-m", "relay", "lab", "inbox", *words]
    with subprocess.Popen(  # noqa: S603 - ours
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stderr is not None
        try:
            lines = (line.strip() for line in process.stderr)
            yield process, next(one for one in lines if re.match(r"http://127\.0\.0\.1:\d+/lab/inbox/", one))
        finally:
            process.kill()


def test_what_arrives_is_told_as_one_document(sender: Sender) -> None:
    with started("--count", "2", "--json") as (process, inbox):
        sender.deliver(inbox, {"id": f"{sender.id}/1", "type": "Follow", "actor": sender.id, "object": inbox})
        post(inbox, json.dumps(labs.create("1234567890")).encode(), {"Content-Type": ACTIVITY})
        told = json.loads(process.communicate()[0])
        assert process.returncode == 1  # the second delivery is neither signed nor attested
    assert set(told) == {"actor", "handle", "deliveries"}
    follow, create = told["deliveries"]
    assert (follow["verified"], follow["scheme"], follow["type"]) == (True, "draft-cavage", "Follow")
    assert "which answered 202" in follow["answer"]
    assert [one["type"] for one in sender.received] == ["Accept"]
    assert (create["verified"], create["code"]) == (False, "missing-signature")
    assert [one["code"] for one in create["attestations"]] == ["malformed-grammar"]
    named = {name.strip() for key in ANSWER for name in key.replace("[]", "").split(",")}
    assert set(follow) - {"attestations"} <= named


def test_what_arrives_is_told_to_people_and_ctrl_c_ends_it(sender: Sender) -> None:
    with started() as (process, inbox):
        sender.deliver(inbox, {"id": f"{sender.id}/2", "type": "Like", "actor": sender.id, "object": inbox})
        assert process.stdout is not None
        assert process.stdout.readline().startswith(f"1. Like by {sender.id}")
        assert "signature verified" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate()
        assert process.returncode == 0


def test_where_to_listen_and_under_which_address() -> None:
    place = _place("[::1]:8080", None, ())
    assert (place.url, "::1/128" in place.private) == ("http://[::1]:8080", True)
    place = _place("127.0.0.1:0", "https://lab.example/", ("10.0.0.0/8",))
    assert (place.url, place.private, place.port > 0) == ("https://lab.example", ("10.0.0.0/8",), True)
