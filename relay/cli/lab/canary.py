"""`assay lab canary`: writing the canary kit into a folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from relay.cli.command import Command
from relay.cli.output import as_document, clean, say, size, table
from relay.cli.problems import Problem, Status
from relay.cli.progress import progress
from relay.cli.session import Session, pass_session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.lab.kit import KitFile, Plan

ANSWER: Final = {
    "folder": "where the files are",
    "files[]": "one object each, as in manifest.json:",
    "name, title, media_type, bytes": "what it is",
    "sha256, sha512, digestMultibase": "digests of its bytes",
    "pdq": "hex and quality of its perceptual hash, or null",
    "expected": "scan, match, reason, why: what the list `canary` says of it",
    "promise": "what of it is the same wherever the kit is made: bytes, pdq or outcome",
    "licence": "CC0-1.0",
}
_WORDS: Final = {
    "vendor-test-match": "match",
    "no-known-match": "no match",
    "unscannable": "cannot be checked",
}


@click.command(cls=Command, answer=ANSWER)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--only", multiple=True, metavar="NAME", help="Write this file and no manifest; repeatable.")
@pass_session
def canary(session: Session, folder: Path, only: tuple[str, ...]) -> None:
    """Write files that test whether media are checked.

    They are generated, harmless and free of rights. Some match the built-in list `canary` and no other; some
    match nothing; some cannot be checked. manifest.json says what to expect of each, README.txt how to post one
    and see it caught. Files in DIR that are not of a kit are never replaced.
    """
    from relay.adapters.kit.making import plans

    chosen = [plan for plan in plans() if not only or plan.name in only]
    _all_known(only, chosen)
    files = _made(chosen)
    contents = {file.plan.name: file.content for file in files}
    document = _manifest(files)
    if not only:
        contents |= _documents(document, chosen)
    _write(folder, contents)
    if session.as_json:
        as_document({"folder": str(folder.resolve()), "files": document["files"]})
        return
    table(
        ["file", "size", "expected", "what it is"],
        [
            [row["name"], size(row["bytes"]), _expected(row["expected"]), row["title"]]
            for row in document["files"]
        ],
        right=("size",),
        folds=("what it is",),
    )
    total = sum(len(content) for content in contents.values())
    say()
    say(f"{len(contents)} files, {size(total)}, are in {folder}.")


def _expected(expected: Mapping[str, Any]) -> str:
    said = _WORDS[expected["scan"]]
    return f"{said} ({expected['match']})" if expected["match"] else said


def _all_known(only: Sequence[str], chosen: Sequence[Plan]) -> None:
    """Raise `BadParameter` for a name that is in no kit, with the one that was probably meant."""
    from relay.adapters.kit.making import plans
    from relay.config.diagnostics import guess

    for name in only:
        if name not in {plan.name for plan in chosen}:
            meant = guess(name, [plan.name for plan in plans()])
            message = f"there is no file '{clean(name)}' in the kit" + (
                f"; did you mean '{meant}'?" if meant else ""
            )
            raise click.BadParameter(message, param_hint="--only")


def _made(chosen: Sequence[Plan]) -> list[KitFile]:
    from relay.adapters.kit.making import make

    with progress("making", len(chosen)) as told:
        files = []
        for plan in chosen:
            files.append(make(plan))
            told(len(files), len(chosen))
    return files


def _manifest(files: Sequence[KitFile]) -> dict[str, Any]:
    from relay import __version__
    from relay.adapters.scanners.canary import canary_entries
    from relay.protocol.lab.kit import manifest

    return manifest(files, canary_entries(), made_by=f"assay {__version__}")


def _documents(document: Mapping[str, Any], chosen: Sequence[Plan]) -> dict[str, bytes]:
    from relay.protocol.lab.kit import MANIFEST, README, readme

    return {
        MANIFEST: (json.dumps(document, indent=2) + "\n").encode(),
        README: readme(chosen).encode(),
    }


def _write(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write all files, or none: raises `Problem` when one of them would replace something that is not of a kit."""
    try:
        foreign = _foreign(folder, contents)
        if foreign:
            others = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
            message = f"{folder / foreign[0]}{others} is no file of a kit; nothing was written"
            raise Problem(message, code="file-exists", status=Status.NO, more={"files": foreign})
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        message = f"{error.filename or folder}: {error.strerror}"
        raise Problem(message, code="cannot-write", status=Status.NO) from error


def _foreign(folder: Path, contents: Mapping[str, bytes]) -> list[str]:
    """Return the names in the folder that a kit has not written, or that were changed since."""
    known = _written_before(folder)
    found = []
    for name, content in contents.items():
        path = folder / name
        if path.is_symlink() or (path.exists() and not path.is_file()):
            found.append(name)
        elif path.exists():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            if digest not in {known.get(name), hashlib.sha256(content).hexdigest()}:
                found.append(name)
    return found


def _written_before(folder: Path) -> dict[str, str]:
    """Return the SHA-256 by name of what an older kit wrote here, its own documents included."""
    from relay.protocol.lab.kit import FORMAT, MANIFEST, README

    path = folder / MANIFEST
    try:
        content = path.read_bytes()
        document = json.loads(content)
        if document["format"] != FORMAT:
            return {}
        known = {file["name"]: file["sha256"] for file in document["files"]}
        readme = document["readme_sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {**known, MANIFEST: hashlib.sha256(content).hexdigest(), README: readme}
