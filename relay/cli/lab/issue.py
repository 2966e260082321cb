"""`assay lab issue`: a test attestation of a file by a throw-away key, good or wrong in one way."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli.command import Command
from relay.cli.lab.verify import moment
from relay.cli.media import read_file
from relay.cli.output import as_document, pairs, say
from relay.cli.session import Session, pass_session
from relay.cli.verify import LARGEST
from relay.protocol.lab.shapes import SHAPES
from relay.protocol.lab.variants import VARIANTS

if TYPE_CHECKING:
    from collections.abc import Mapping

ANSWER: Final = {
    "hash, attestation": "the two properties; either may be missing in a variant",
    "variant, says": "what is wrong with them",
    "expected": "the outcome that verifying has to come to (`assay lab explain`)",
    "actor": "the issuer's actor document; null when it is not to be had",
    "activity": "a post with the file, in the shape that was asked for",
    "now": "when it is true, in seconds since 1970",
    "files": "what was written with --out",
    "variants": "with --variants nothing but this: outcome and a sentence by name",
}
ORIGIN: Final = "origin.example"


@click.command(cls=Command, answer=ANSWER)
@click.argument("file", metavar="FILE", required=False)
@click.option(
    "--issuer", default="https://relay.example/actor", show_default=True, help="Id of the issuing actor."
)
@click.option("--url", help="Where the post says that the file is.")
@click.option(
    "--shape", type=click.Choice([*SHAPES]), default="note", show_default=True, help="Whose post it is like."
)
@click.option("--variant", default="good", show_default=True, metavar="NAME", help="What is wrong with it.")
@click.option("--variants", is_flag=True, help="List the variants instead.")
@click.option("--now", metavar="TIME", help="Issue as of this time: RFC 3339, or seconds since 1970.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Write activity.json and actor.json here."
)
@pass_session
def issue(
    session: Session,
    file: str | None,
    issuer: str,
    url: str | None,
    shape: str,
    variant: str,
    now: str | None,
    out: Path | None,
    *,
    variants: bool,
) -> None:
    """Attest a file as a test.

    The key is made for this and thrown away; nothing was checked, and the attestation says so: it names no list but the
    lab's test list, which relays refuse. Prints the two properties for a post.
    """
    from mediaattest import origin_of
    from relay.config.diagnostics import guess

    if variants:
        rows = {name: f"{one.code}: {one.says}" for name, one in VARIANTS.items()}
        as_document({"variants": rows}) if session.as_json else pairs(rows)
        return
    if file is None:
        raise click.MissingParameter(param_hint="FILE", param_type="argument")
    if variant not in VARIANTS:
        meant = guess(variant, VARIANTS)
        message = f"there is no variant {variant}" + (
            f"; did you mean {meant}?" if meant else "; see --variants"
        )
        raise click.BadParameter(message, param_hint="--variant")
    if origin_of(issuer) is None or "#" in issuer:
        raise click.BadParameter("an issuer is an actor id with https, in ASCII", param_hint="--issuer")
    made = _made(file, issuer, url, shape, variant, None if now is None else moment(now))
    made["files"] = [] if out is None else _write(out, made)
    if session.as_json:
        as_document(made)
    else:
        _show(made)


def _made(
    file: str, issuer: str, url: str | None, shape: str, variant: str, now: float | None
) -> dict[str, Any]:
    from mimetypes import guess_type

    from mediaattest import digest_of
    from relay.adapters.system import SystemClock
    from relay.protocol.lab.making import TestIssuer
    from relay.protocol.lab.samples import Picture, medium

    clock, drawn = SystemClock(), dict[str, bytes]()
    tester = TestIssuer(
        issuer,
        int(clock.now() if now is None else now),
        lambda label: drawn.setdefault(label, clock.token(32)),
    )
    name = Path(file).name
    picture = Picture(
        name, digest_of(read_file(file, LARGEST)), guess_type(name)[0] or "application/octet-stream"
    )
    chosen = VARIANTS[variant]
    properties = chosen.made(tester, picture.digest, name)
    one = medium(picture, properties) | ({"url": url} if url else {})
    activity = SHAPES[shape](ORIGIN, [one])
    if chosen.context is not None:
        activity["@context"] = chosen.context
    return {
        "hash": properties.get("hash"),
        "attestation": properties.get("attestation"),
        "variant": variant,
        "says": chosen.says,
        "expected": chosen.code,
        "actor": chosen.actor(tester),
        "activity": activity,
        "now": tester.now,
    }


def _write(folder: Path, made: Mapping[str, Any]) -> list[str]:
    import json

    folder.mkdir(parents=True, exist_ok=True)
    properties = {name: made[name] for name in ("hash", "attestation") if made[name] is not None}
    written = []
    for name, document in (
        ("activity.json", made["activity"]),
        ("actor.json", made["actor"]),
        ("properties.json", properties),
    ):
        if document is not None:
            (folder / name).write_text(
                json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
            )
            written.append(str(folder / name))
    return written


def _show(made: Mapping[str, Any]) -> None:
    import json

    say(f"A test, variant {made['variant']}: {made['says']} Verifying has to come to {made['expected']}.")
    say("Put this beside the `url` of the media:")
    for name in ("hash", "attestation"):
        if made[name] is not None:
            say(f'"{name}": {json.dumps(made[name], ensure_ascii=False)}')
    for name in made["files"]:
        say(f"Written: {name}")
    say("Nothing was checked. Outside a lab this is worth nothing.")
