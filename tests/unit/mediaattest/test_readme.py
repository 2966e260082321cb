"""The README's examples run, one after the other, as a reader would run them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

import mediaattest

README = (Path(mediaattest.__file__).parent / "README.md").read_text()


def run_examples() -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "readme"}
    examples = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(examples) == 4
    for example in examples:
        exec(compile(example, "README.md", "exec"), namespace)  # noqa: S102
    return namespace


def test_issue_and_verify(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_examples()["result"].valid
    assert "no known match" in capsys.readouterr().out


def test_the_inbox_keeps_the_tokens_of_the_header() -> None:
    names = run_examples()
    app = web.Application()
    app[names["tokens"]] = {}
    jws = mediaattest.from_data_url(names["attestation"])
    headers = {mediaattest.HEADER_NAME: mediaattest.format_header([str(jws), "a.b.c"])}
    step = names["inbox"](make_mocked_request("POST", "/inbox", headers=headers, app=app))
    with pytest.raises(StopIteration) as end:
        step.send(None)
    assert end.value.value.status == 202
    assert names["attested"](app, names["media"], names["now"])
    assert not names["attested"](app, b"other bytes", names["now"])


def test_the_readme_lists_every_verdict() -> None:
    assert all(f"`{verdict}`" in README for verdict in mediaattest.Verdict)
