"""What the lab shows of a request and its answer."""

from __future__ import annotations

from relay.domain.lab.exchange import Exchange


def test_headers_of_one_name_are_joined_and_the_media_type_is_bare() -> None:
    headers = (("vary", "accept"), ("content-type", "Application/JWT; x=1"), ("vary", "signature"))
    found = Exchange("GET", "https://a.example/", 200, headers, b"", 0.1)
    assert (found.header("vary"), found.header("etag")) == ("accept, signature", "")
    assert found.media_type == "application/jwt"


def test_long_bodies_are_cut_for_people() -> None:
    short = Exchange("POST", "https://a.example/", 404, (("server", "x"),), b"no", 0.1)
    assert short.evidence("answer").text == "POST https://a.example/\n\n404\nserver: x\n\nno"
    long = Exchange("GET", "https://a.example/", 200, (), b"\xff" + b"x" * 5000, 0.1)
    assert len(long.evidence("answer").text) < 2100
    assert long.evidence("answer").text.endswith("…")
