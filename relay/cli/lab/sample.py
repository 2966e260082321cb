"""`assay lab sample`: a folder of good and bad documents, the same each time, with what verifying each has to find."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli.command import Command
from relay.cli.output import as_document, say
from relay.cli.problems import Problem, Status
from relay.cli.session import Session, pass_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.protocol.lab.samples import Sample

ANSWER: Final = {
    "folder": "where it was written",
    "samples[]": "file, says, now, header, keys, media, outcomes, failed, exit: as in expected.json",
}
README: Final = """\
# Samples of media attestations

Good and bad documents for software that verifies attestations. `expected.json` says of each: the file, what it shows,
the time for which it is true (`now`, seconds since 1970), the header field `Media-Attestation` of the delivery if there
is one, the actor documents (`keys`) and the media that are needed, the outcome of each attestation in the order of the
document (`assay lab explain CODE`), the cases that fail, and the exit status of this command:

```sh
assay lab verify documents/mastodon.json --now 1795300000 --keys keys/relay.json --media media/picture-1.png
```

Without `keys` the actor document is left out on purpose: verify with `--offline`. All of it is as of one day: verify
with its `now`, or everything has expired. The pictures were made by arithmetic. The issuer is a test issuer:
its key is no secret, nothing was checked, and relays refuse what it signs. CC0.
"""


@click.command(cls=Command, answer=ANSWER)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@pass_session
def sample(session: Session, folder: Path) -> None:
    """Write a folder of good and bad documents.

    The shapes of many servers, each outcome, each place for attestations and each rule that can be broken, with the
    keys and media that belong to them; the same bytes each time. DIR has to be new or empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise Problem(f"{folder} is not empty", code="not-empty", status=Status.NO)
    files = contents()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    rows = json.loads(files["expected.json"])
    if session.as_json:
        as_document({"folder": str(folder), "samples": rows})
    else:
        say(
            f"{len(rows)} documents are in {folder}; what each has to come to is in {folder / 'expected.json'}."
        )


def contents() -> dict[str, bytes]:
    """Return every file by its path."""
    from mediaattest import digest_of
    from relay.adapters.media.canary import photograph
    from relay.adapters.media.plain_png import plain_png
    from relay.protocol.lab.samples import Picture, samples

    media = {
        f"picture-{number}.png": plain_png(photograph(f"clean lab sample {number}", 64, 48))
        for number in (1, 2)
    }
    pictures = [Picture(name, digest_of(content)) for name, content in media.items()]
    files = {"README.md": README.encode()} | {f"media/{name}": content for name, content in media.items()}
    rows = []
    for one in samples(pictures):
        path = f"documents/{one.name.removeprefix('shape-')}.json"
        files[path] = _json(one.document)
        keys = [_key(actor, files) for actor in one.actors]
        rows.append(_row(one, path, keys, [f"media/{name}" for name in media]))
    files["expected.json"] = _json(rows)
    return files


def _key(actor: Mapping[str, Any], files: dict[str, bytes]) -> str:
    """Put an actor document among the files, each once, and return its path."""
    content = _json(actor)
    name = "author" if actor["type"] == "Person" else "relay"
    number = 1
    while (path := f"keys/{name}{'' if number == 1 else f'-{number}'}.json") in files and files[
        path
    ] != content:
        number += 1
    files[path] = content
    return path


def _row(one: Sample, path: str, keys: list[str], media: list[str]) -> dict[str, Any]:
    from relay.domain.lab.cases import CASES
    from relay.domain.lab.model import Level
    from relay.protocol.lab.samples import NOW

    broken = [code for code in one.failed if CASES[code].level is Level.MUST]
    status = Status.NO if broken else Status.UNAVAILABLE if "key-unavailable" in one.codes else Status.DONE
    return {
        "file": path,
        "says": one.says,
        "now": NOW,
        "header": one.header,
        "keys": keys,
        "media": media,
        "outcomes": list(one.codes),
        "failed": list(one.failed),
        "exit": int(status),
    }


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
