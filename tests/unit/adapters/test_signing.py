"""Port `Signer`, both ways of keeping it."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import struct
from base64 import encodebytes
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from relay.adapters import signing
from relay.adapters.signing import ProcessSigner, ThreadSigner, load_rsa, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

KEY_ID = "https://relay.example/actor#main-key"


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def pem(key: RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


KINDS: list[type[ThreadSigner | ProcessSigner]] = [ThreadSigner, ProcessSigner]


@pytest.fixture(params=KINDS)
async def signer(request: pytest.FixtureRequest, pem: bytes) -> AsyncIterator[ThreadSigner | ProcessSigner]:
    async with request.param(key_id=KEY_ID, pem=pem) as made:
        yield made


def _as_pem(content: bytes) -> bytes:
    return b"-----BEGIN PRIVATE KEY-----\n" + encodebytes(content) + b"-----END PRIVATE KEY-----\n"


def _verify(key: RSAPrivateKey, messages: Sequence[bytes], signatures: Sequence[bytes]) -> None:
    for message, signature in zip(messages, signatures, strict=True):
        key.public_key().verify(signature, message, PKCS1v15(), SHA256())


@pytest.mark.parametrize("count", [0, 1, 2, 65])
async def test_signatures_in_order(
    signer: ThreadSigner | ProcessSigner, key: RSAPrivateKey, count: int
) -> None:
    messages = [b"message %d" % number for number in range(count)]
    _verify(key, messages, await signer.sign_many(messages))
    assert signer.key_id == KEY_ID


async def test_messages_of_any_length(signer: ThreadSigner | ProcessSigner, key: RSAPrivateKey) -> None:
    messages = [b"", b"\x00" * 4, b"x" * 300_000, b""]
    _verify(key, messages, await signer.sign_many(messages))


async def test_many_callers(signer: ThreadSigner | ProcessSigner, key: RSAPrivateKey) -> None:
    async def caller(number: int) -> None:
        messages = [b"%d %d" % (number, part) for part in range(5)]
        _verify(key, messages, await signer.sign_many(messages))

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(caller(number))


async def test_a_cancelled_caller_disturbs_nobody(
    signer: ThreadSigner | ProcessSigner, key: RSAPrivateKey
) -> None:
    async def caller(number: int) -> None:
        messages = [b"%d %d" % (number, part) for part in range(10)]
        _verify(key, messages, await signer.sign_many(messages))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(caller(number)) for number in range(12)]
        await signer.sign_many([b"let them start"])
        for task in tasks[::3]:
            task.cancel()


async def test_the_loop_goes_on_meanwhile(signer: ThreadSigner | ProcessSigner) -> None:
    turns = 0
    async with asyncio.TaskGroup() as group:
        batch = group.create_task(signer.sign_many([b"x"] * 400))
        while not batch.done():
            await asyncio.wait([batch], timeout=0.001)
            turns += 1
    assert turns >= 10


@pytest.mark.parametrize("kind", [ThreadSigner, ProcessSigner])
async def test_once_closed_it_refuses(kind: type[ThreadSigner | ProcessSigner], pem: bytes) -> None:
    async with kind(key_id=KEY_ID, pem=pem) as signer:
        await signer.sign_many([b"x"])
    with pytest.raises(RuntimeError):
        await signer.sign_many([b"x"])


@pytest.mark.parametrize("kind", [ThreadSigner, ProcessSigner])
def test_a_pem_that_is_no_rsa_key(kind: type[ThreadSigner | ProcessSigner]) -> None:
    other = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for text in (other, b"garbage"):
        with pytest.raises(ValueError):  # noqa: PT011 (the library's own words for garbage)
            kind(key_id=KEY_ID, pem=text)


def test_a_damaged_key_is_never_loaded(key: RSAPrivateKey) -> None:
    content = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    frame = content.index(key.public_key().public_numbers().n.to_bytes(256, "big"))
    for at in range(frame, len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 1 << at % 8
        with pytest.raises(ValueError, match=r"do not belong together|ould not deserialize|Invalid key"):
            load_rsa(_as_pem(bytes(damaged)))


def test_a_key_of_another_kind_is_not_loaded() -> None:
    unknown = Ed25519PrivateKey.generate().private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    for content in (unknown, unknown.replace(b"\x2b\x65\x70", b"\x2b\x65\x01")):  # id-Ed25519, and none
        with pytest.raises(ValueError, match=r"not an RSA key|Unknown key type"):
            load_rsa(_as_pem(content))


async def test_a_process_that_dies_is_replaced(key: RSAPrivateKey, pem: bytes) -> None:
    async with ProcessSigner(key_id=KEY_ID, pem=pem, processes=2) as signer:
        before = signer.process_ids
        messages = [b"%d" % number for number in range(200)]
        async with asyncio.TaskGroup() as group:
            batches = [group.create_task(signer.sign_many(messages)) for _ in range(4)]
            await asyncio.wait(batches, timeout=0.01)
            for number in before:
                os.kill(number, signal.SIGKILL)
        for batch in batches:
            _verify(key, messages, batch.result())
        assert not set(before) & set(signer.process_ids)
        # Once more, with nobody waiting for them.
        for number in signer.process_ids:
            os.kill(number, signal.SIGKILL)
        _verify(key, messages, await signer.sign_many(messages))


async def test_processes_leave_only_when_they_are_told(key: RSAPrivateKey, pem: bytes) -> None:
    async with ProcessSigner(key_id=KEY_ID, pem=pem, processes=1) as signer:
        (number,) = signer.process_ids
        os.kill(number, signal.SIGTERM)
        os.kill(number, signal.SIGINT)
        _verify(key, [b"x"], await signer.sign_many([b"x"]))
        assert signer.process_ids == (number,)
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


async def test_a_stopped_process_is_killed(pem: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "_GRACE", 0.05)
    async with AsyncExitStack() as stack:
        signer = await stack.enter_async_context(ProcessSigner(key_id=KEY_ID, pem=pem, processes=1))
        (number,) = signer.process_ids
        os.kill(number, signal.SIGSTOP)
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


async def test_processes_that_cannot_start(pem: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(RuntimeError, match="did not start"):
        await ProcessSigner(key_id=KEY_ID, pem=pem).__aenter__()


async def test_processes_that_keep_dying(pem: bytes) -> None:
    async with ProcessSigner(key_id=KEY_ID, pem=pem, processes=1) as signer:

        async def doomed() -> None:
            with pytest.raises(RuntimeError, match="3 signing processes died"):
                await signer.sign_many([b"x"] * 2000)

        async with asyncio.TaskGroup() as group:
            batch = group.create_task(doomed())
            while not batch.done():
                await asyncio.wait([batch], timeout=0.01)
                for number in signer.process_ids:
                    with suppress(ProcessLookupError):  # it is being replaced at this moment
                        os.kill(number, signal.SIGKILL)


def test_the_life_of_a_process(key: RSAPrivateKey, pem: bytes) -> None:
    def frame(content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + content

    sink = io.BytesIO()
    serve(io.BytesIO(frame(pem) + frame(frame(b"a") + frame(b"")) + frame(frame(b"c"))), sink)
    answer = sink.getvalue()
    assert answer[:8] == struct.pack(">II", 4, 256)
    assert answer[8:12] == struct.pack(">I", 512)
    _verify(key, [b"a", b"", b"c"], [answer[12:268], answer[268:524], answer[528:]])
    sink = io.BytesIO()
    serve(io.BytesIO(b""), sink)
    assert sink.getvalue() == b""
