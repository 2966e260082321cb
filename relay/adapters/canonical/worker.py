"""The reading process: `python -m relay.adapters.canonical.worker MEMORY CPU`.

Started like a decoder and confined like one (media/worker.py, media/confinement.py): it loads both engines, gives up
its rights, and only then reads the first document.
"""

from __future__ import annotations

import sys
from typing import Final

from relay.adapters.media import confinement
from relay.adapters.media.worker import pipes


def main(arguments: list[str]) -> None:
    """Answer one document after the other until the input ends."""
    memory, cpu = (int(value) for value in arguments)
    confined = confinement.limit(memory=memory, cpu=cpu)
    requests, answers = pipes()
    from relay.adapters.canonical import engines, wire
    from relay.adapters.media.wire import REQUEST_HEADER, pack_ready
    from relay.protocol import ldcontexts
    from relay.protocol.ldsig import Reading

    ldcontexts.load_all()
    for engine in engines.ENGINES:
        assert isinstance(engines.read(EXAMPLE, engine), Reading)  # noqa: S101 - it would not read others
    answers.write(pack_ready(confined | confinement.seal()))
    while header := requests.read(REQUEST_HEADER):
        body, asked = wire.parse_question(requests.read(int.from_bytes(header, "big")))
        answers.write(wire.pack_answer(engines.read(body, asked)))


EXAMPLE: Final = (
    b'{"@context":"https://www.w3.org/ns/activitystreams","id":"https://a.example/1","type":"Create","object":'
    b'{"type":"Note","summary":"x","tag":[{"type":"Mention","name":"x"},{"type":"Mention","name":"x"}]},'
    b'"signature":{"creator":"https://a.example/2","created":"2026-11-21T22:06:56Z"}}'
)
"""A document that makes the engines load what they load on first use: no file can be opened afterwards."""


if __name__ == "__main__":
    main(sys.argv[1:])
