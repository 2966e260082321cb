"""Second opinions in JavaScript, each in a process of its own: questions and answers are JSON lines."""

from __future__ import annotations

import json
import os
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

HERE: Final = Path(__file__).resolve().parent
KEPT: Final = HERE.parent.parent / ".interop"
CAVAGE: Final = "draft-cavage-http-signatures-12"
RFC9421: Final = "rfc9421"


class Script:
    """A running script that answers as `lines.mjs` does. What it complains about goes into `log`."""

    def __init__(self, script: Path, log: Path) -> None:
        self._log = log.open("wb")
        self._process = subprocess.Popen(  # noqa: S603 - ours
            [KEPT / "python/bin/node", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={"PATH": os.environ["PATH"], "LOG_LEVEL": "error"},
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)
        self._log.close()

    def ask(self, question: str, **about: Any) -> Any:
        """The answer. An error of the oracle itself fails the test."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"ask": question, **about}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["answer"]


class Oracle(Script):
    """A running `fedify/oracle.mjs`."""

    def __init__(self, log: Path) -> None:
        # Modules are looked up beside the script: it stands where npm put them.
        for source in (HERE / "lines.mjs", HERE / "fedify/oracle.mjs"):
            (KEPT / "npm" / source.name).write_text(source.read_text())
        super().__init__(KEPT / "npm/oracle.mjs", log)

    def knows(self, documents: Mapping[str, Any]) -> None:
        """Let it find these documents at their addresses."""
        self.ask("documents", documents=dict(documents))

    def signs(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, **how: Any
    ) -> dict[str, str]:
        """The headers of a request that it signed; `how` are `key` (PEM), `key_id` and `spec`."""
        asked = {"method": method, "url": url, "headers": dict(headers), **how}
        found: dict[str, str] = self.ask("sign_request", **asked, **_content(body))
        return found

    def verifies(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, spec: str = CAVAGE
    ) -> str | None:
        """The id of the key with which a request is signed; None when it is not accepted."""
        asked = {"method": method, "url": url, "headers": dict(headers), "spec": spec}
        found: str | None = self.ask("verify_request", **asked, **_content(body))
        return found


def _content(body: bytes | None) -> dict[str, str]:
    return {} if body is None else {"body": b64encode(body).decode()}
