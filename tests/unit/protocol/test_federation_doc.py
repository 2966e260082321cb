"""FEDERATION.md says what the code does: its samples are made by the code, its codes and limits are the code's."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mediaattest import IssuerKey, describe_key, header
from relay.adapters import remote
from relay.adapters.canonical import pool
from relay.config.settings import Settings
from relay.domain import attachments, delivery, errors, hosts, strictjson
from relay.domain.activity import parse_activity
from relay.domain.errors import RelayError
from relay.domain.subscription import Dialect, dialect_of
from relay.protocol import (
    actors,
    discovery,
    documents,
    ldgraph,
    ldshape,
    proof,
    recall,
    requests,
    sigheader,
    unproven,
)
from relay.protocol.documents import PROFILE, FollowEcho
from relay.services import fetch, keyring, letters, posts, receive, tracks
from relay.web import federation
from relay.web.problems import problem, status_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "FEDERATION.md").read_text(encoding="utf-8")
URL = "https://relay.example"
ACTOR = f"{URL}/actor"
NOTE = "https://m.example/notes/1"
TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl"
SAMPLE = re.compile(r"^```json ([a-z-]+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| (.+) \|$", re.MULTILINE)


def activity_id(number: int) -> str:
    return f"{URL}/activities/{number:032x}"


def follow_of(name: str) -> FollowEcho:
    """The echo of a Follow that the document shows as one of somebody else."""
    echo = FollowEcho.of(parse_activity(json.dumps(SAMPLES[name]).encode()))
    assert echo is not None
    return echo


def made() -> dict[str, Any]:
    """Every sample that is the relay's, as the code makes it."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
    back = FollowEcho(activity_id(2), ACTOR, follow_of("follow-litepub").actor)
    follower = follow_of("follow-litepub").actor
    refusal = problem(401, sigheader.Failure.STALE.code, sigheader.Failure.STALE.sentence).body
    assert isinstance(refusal, bytes)
    return {
        "actor": documents.relay_actor(
            url=URL,
            name="Relay of Example",
            summary="A relay that vouches for the media it passes on.",
            public_key_pem="-----BEGIN PUBLIC KEY-----\n...\n-----END PUBLIC KEY-----\n",
            assertion_methods=[describe_key(IssuerKey(f"{ACTOR}#att-2026-11", ACTOR, key))],
            implements=[(PROFILE, "Media Attestation v1")],
        ),
        "webfinger": discovery.webfinger("acct:relay@relay.example", url=URL),
        "accept": documents.accept(id=activity_id(1), actor=ACTOR, follow=follow_of("follow-mastodon")),
        "follow-back": documents.follow(id=activity_id(2), actor=ACTOR, target=follower, to=follower),
        "undo-follow-back": documents.undo(id=activity_id(3), actor=ACTOR, follow=back, to=follower),
        "announce": documents.announce(
            id=activity_id(4),
            actor=ACTOR,
            followers=f"{URL}/followers",
            object_id=NOTE,
            published=1_795_300_000.0,
            attestations=[TOKEN],
        ),
        "flag": recall.flag(
            id=activity_id(5),
            actor=ACTOR,
            to=follower,
            author="https://m.example/users/alice",
            posts=[NOTE],
            now=1_795_300_000.0,
        ),
        "media-recall": recall.media_recall(
            id=activity_id(6),
            actor=ACTOR,
            to=follower,
            posts=[NOTE],
            media=["https://m.example/media/1.png"],
            now=1_795_300_000.0,
        ),
        "problem": json.loads(refusal),
    }


SAMPLES: dict[str, Any] = {name: json.loads(text) for name, text in SAMPLE.findall(TEXT)}
THEIRS = {"follow-mastodon": Dialect.MASTODON, "follow-litepub": Dialect.LITEPUB}


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table whose header begins with `heading`, without the header."""
    table = TEXT[TEXT.index(f"\n| {heading}") + 1 :].partition("\n\n")[0]
    return [[cell.strip() for cell in row.split(" | ")] for row in ROW.findall(table)][1:]


def minutes(seconds: float) -> str:
    return f"{seconds / 60:g} minutes"


def hours(seconds: float) -> str:
    return f"{seconds / 3600:g} hours"


def default(path: str) -> Any:
    """The default of a setting."""
    value: Any = Settings()
    for name in path.split("."):
        value = getattr(value, name)
    return value


def mebibytes(size: int) -> str:
    return f"{size / (1 << 20):g} MiB"


def limits() -> dict[str, str]:
    """What the table of limits has to say."""
    fan_out = tracks.FanOutLimits()
    failed = f"{fetch.FAILED_FOR / 60:g} and {fetch.GONE_FOR / 60:g} minutes"
    back_off = f"{delivery.BACKOFF_FIRST:g} seconds to {hours(delivery.BACKOFF_LONGEST)}"
    assert posts.TOKENS == header.MAX_TOKENS
    return {
        "longest body (`federation.max_body`)": mebibytes(default("federation.max_body")),
        "time for a body to arrive": f"{federation.BODY_TIMEOUT:g} seconds",
        "deepest nesting": f"{strictjson.MAX_DEPTH} levels",
        "longest id or URL": f"{hosts.MAX_URL} characters",
        "keys of an actor that are read": str(actors.MAX_KEYS),
        "activities of one server (`federation.rate`)": str(default("federation.rate")),
        "oldest signature": minutes(requests.MAX_AGE),
        "signature from the future": minutes(requests.MAX_AHEAD),
        "a key is kept": hours(keyring.KEY_AGE),
        "a failed fetch is remembered, temporary or not": failed,
        "longest document that is fetched": mebibytes(fetch.LIMIT),
        "time for a fetch": f"{fetch.TIMEOUT:g} seconds",
        "redirects": str(remote.MAX_REDIRECTS),
        "longest document whose signature is looked at": f"{ldshape.MAX_BYTES // 1024} KiB",
        "contexts in it": str(ldshape.MAX_CONTEXTS),
        "statements in it": str(ldgraph.MAX_QUADS),
        "time to put it in order": f"{pool.TIMEOUT:g} seconds",
        "proofs in it": str(proof.MAX_PROOFS),
        "media of a post": str(attachments.MAX_MEDIA),
        "longest media file (`media.max_size`)": mebibytes(default("media.max_size")),
        "attestations read of one header": str(header.MAX_TOKENS),
        "longest `Media-Attestation` header": f"{header.MAX_BYTES} bytes",
        "time for a delivery": f"{fan_out.timeout:g} seconds",
        "deliveries to one server at a time": str(fan_out.window),
        "rest after failures, growing": back_off,
        "longest `Retry-After` that is honoured": hours(delivery.RETRY_AFTER_LONGEST),
        "failures of one activity, while others arrive, until it waits alone": str(delivery.STRAGGLER_AFTER),
        "attempts at it then": str(delivery.STRAGGLER_ATTEMPTS),
        "an inbox that answered 410 is tried again every": hours(tracks.PROBE_EVERY),
        "a subscriber may be away (`federation.retention`)": hours(
            default("federation.retention").total_seconds()
        ),
        "Accept, Reject and Follow are tried for": f"{letters.GIVE_UP_AFTER / 86400:g} days",
    }


INBOX = {
    "domain/activity.py": None,
    "domain/strictjson.py": None,
    "domain/hosts.py": {"_bad"},
    "protocol/actors.py": {"check_inbox"},
    "services/authenticate.py": None,
    "services/intake.py": None,
    "services/keyring.py": None,
    "services/limits.py": None,
    "services/optouts.py": None,
    "services/proofs.py": None,
    "services/receive.py": None,
    "services/subscribers.py": {"follow"},
    "web/federation.py": {"inbox", "read_body"},
}
"""Where a request to the inbox can be refused; None: in every function of the module."""
KINDS: dict[str, type[RelayError]] = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, RelayError)
} | {"KeyGone": keyring.KeyGone}
NOT_ANSWERED = {"RemoteError", "RelayError"}
"""Another server's failure is never an answer: the callers make a code of their own of it."""


def codes() -> set[tuple[str, str]]:
    """Status and code of every refusal that the modules of the inbox raise."""
    found = {("400", code) for _, code, _ in strictjson._REASONS}
    for name, functions in INBOX.items():
        tree = ast.parse((ROOT / "relay" / name).read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            is_function = isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            if is_function and (functions is None or function.name in functions):
                found |= set(refusals(function))
    return found


def refusals(function: ast.AST) -> Iterator[tuple[str, str]]:
    """Status and code of every error made, or raised as a class, in a function."""
    for node in ast.walk(function):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name) and node.exc.id in KINDS:
            yield told(node.exc.id, None)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            given = next((keyword.value for keyword in node.keywords if keyword.arg == "code"), None)
            if node.func.id in KINDS.keys() - NOT_ANSWERED and not isinstance(
                given, ast.Name | ast.Attribute
            ):
                yield told(node.func.id, given)
            elif node.func.id == "problem" and isinstance(given, ast.Constant):  # one of two, see `_follow`
                yield told("KeyUnavailable", given)
                yield told("Unauthorized", given)


def told(kind: str, given: ast.expr | None) -> tuple[str, str]:
    code = KINDS[kind].code
    if isinstance(given, ast.Constant):
        code = str(given.value)
    elif isinstance(given, ast.JoinedStr):
        code = "bad-<property>"
    return str(status_of(KINDS[kind]())), code


def test_the_headings_are_those_of_fep_67ff() -> None:
    assert re.findall(r"^## (.+)$", TEXT, re.MULTILINE) == [
        "Supported federation protocols and standards",
        "Supported FEPs",
        "ActivityPub",
        "Additional documentation",
    ]


def test_there_is_a_sample_of_everything_and_nothing_else() -> None:
    assert sorted(SAMPLES) == sorted({*made(), *THEIRS, "undo-mastodon"})


@pytest.mark.parametrize("name", sorted(made()))
def test_our_samples_are_what_the_code_makes(name: str) -> None:
    assert SAMPLES[name] == made()[name], json.dumps(made()[name], indent=2)


@pytest.mark.parametrize("name", THEIRS)
def test_the_follows_of_others_speak_their_dialect(name: str) -> None:
    follow = parse_activity(json.dumps(SAMPLES[name]).encode())
    assert dialect_of(follow.object_id or "", ACTOR) is THEIRS[name]


def test_an_undo_embeds_the_follow() -> None:
    embedded = SAMPLES["undo-mastodon"]["object"]
    assert embedded == follow_of("follow-mastodon").document()


def test_every_refusal_of_a_signature_is_listed() -> None:
    wanted = [[str(one.status), f"`{one.code}`", one.sentence] for one in sigheader.Failure]
    assert rows("status | code | detail |") == wanted, table(wanted)


def test_every_reason_not_to_believe_a_document_is_listed() -> None:
    wanted = [[f"`{one.code}`", one.sentence] for one in unproven.Failure]
    assert rows("code | reason |") == wanted, table(wanted)


def test_every_other_answer_of_the_inbox_is_listed() -> None:
    listed = {(status, code.strip("`")) for status, code, _ in rows("status | code | when |")}
    assert listed == codes() | {("408", "request-timeout")}


def test_every_limit_is_right() -> None:
    assert dict(rows("what | how much |")) == limits()


def test_every_activity_that_is_taken_is_listed() -> None:
    tree = ast.parse(Path(receive.__file__).read_text(encoding="utf-8"))
    tables = [node for node in ast.walk(tree) if isinstance(node, ast.Dict) and len(node.keys) > 1]
    [handlers] = [[key.value for key in one.keys if isinstance(key, ast.Constant)] for one in tables]
    assert sorted(row[0].strip("`") for row in rows("activity | taken when |")) == sorted(map(str, handlers))


def test_what_others_may_bring_is_named() -> None:
    *first, last = sorted(receive.PASSED_ON, key=["Create", "Update", "Delete", "Move"].index)
    assert f"`{'`, `'.join(first)}` and `{last}` may be brought by others" in TEXT


def table(wanted: list[list[str]]) -> str:
    """Rows to copy."""
    return "\n".join(f"| {' | '.join(row)} |" for row in wanted)
