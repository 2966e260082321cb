"""The reading process: `python -m relay.adapters.canonical.worker MEMORY CPU`.

Started like a decoder and confined like one (media/worker.py, media/confinement.py): it loads both engines, gives up
its rights, and only then reads the first document.
"""

from __future__ import annotations

import sys

from relay.adapters.media import confinement
from relay.adapters.media.worker import pipes


def main(arguments: list[str]) -> None:
    """Answer one document after the other until the input ends."""
    memory, cpu = (int(value) for value in arguments)
    confined = confinement.limit(memory=memory, cpu=cpu)
    requests, answers = pipes()
    from relay.adapters.canonical import engines, wire
    from relay.adapters.media.wire import REQUEST_HEADER, pack_ready

    for engine in ("first", "second"):
        engines.read(EXAMPLE, engine)
    answers.write(pack_ready(confined | confinement.seal()))
    while header := requests.read(REQUEST_HEADER):
        body, asked = wire.parse_question(requests.read(int.from_bytes(header, "big")))
        answers.write(wire.pack_answer(engines.read(body, asked)))


EXAMPLE = (
    b'{"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1",'
    b'"https://w3id.org/security/data-integrity/v1","https://w3id.org/security/data-integrity/v2",'
    b'"https://w3id.org/security/multikey/v1","https://www.w3.org/ns/cid/v1","https://www.w3.org/ns/did/v1",'
    b'"https://gotosocial.org/ns","https://w3id.org/fep/5711","https://join-lemmy.org/context.json",'
    b'"https://a.example/schemas/litepub-0.1.jsonld"],"id":"https://a.example/1","type":"Create",'
    b'"object":{"type":"Note","tag":[{"type":"Mention"},{"type":"Mention"}]},"signature":{}}'
)
"""A document that makes the engines load all that they load on first use: no file can be opened afterwards."""


if __name__ == "__main__":
    main(sys.argv[1:])
