from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain import hosts
from relay.domain.errors import Malformed


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://example.org/users/a", "example.org"),
        ("HTTPS://Example.ORG.:443?x", "example.org"),
        ("http://example.org:80#x", "example.org"),
        ("http://example.org:443", "example.org:443"),
        ("https://example.org:0443/", "example.org"),
        ("https://bücher.example/", "xn--bcher-kva.example"),
        ("https://XN--BCHER-KVA.example/", "xn--bcher-kva.example"),
        ("https://\uff41.example/", "a.example"),
        ("https://-dash_ed-.example:8443/", "-dash_ed-.example:8443"),
        ("http://127.0.0.1:9001/inbox", "127.0.0.1:9001"),
        ("http://127。0。0。1/", "127.0.0.1"),
        ("https://[2001:DB8:0::1]/", "[2001:db8::1]"),
        ("https://[::1]:8443/", "[::1]:8443"),
    ],
)
def test_spellings_of_a_server_give_one_name(url: str, name: str) -> None:
    assert hosts.server_name(url) == name
    assert hosts.is_http_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "//example.org/",
        "ftp://example.org/",
        "javascript:alert(1)",
        "http\u017f://example.org/",
        "https:/example.org/",
        "https://",
        "https:///path",
        "https://user@example.org/",
        "https://user:pass@example.org/",
        "https://user\uff20example.org/",
        "https://example.org\\@evil.example/",
        "https://exa mple.org/",
        "https://example.org/a b",
        "https://example.org/\n",
        "https://example.org/\u2028",
        'https://example.org/"',
        "https://example.org/<",
        "https://example.org:/",
        "https://example.org:0/",
        "https://example.org:65536/",
        "https://example.org:\uff18\uff10/",
        "https://example..org/",
        "https://%65xample.org/",
        "https://xn--zz.example/",
        "https://xn--.example/",
        "https://\u200b.example/",
        "https://" + "a" * 64 + ".example/",
        "https://" + "a." * 127 + "example/",
        "https://" + "ä." * 127 + "example/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.0.0.1/",
        "https://example.0x1/",
        "https://0177.0.0.1/",
        "https://256.0.0.1/",
        "https://[::1/",
        "https://::1/",
        "https://[::g]/",
        "https://[fe80::1%25eth0]/",
        "https://example.org/" + "a" * hosts.MAX_URL,
    ],
)
def test_what_readers_understand_differently_is_refused(url: str) -> None:
    assert not hosts.is_http_url(url)
    with pytest.raises(Malformed) as caught:
        hosts.server_name(url)
    assert caught.value.code == "url"


@given(st.text() | st.text(alphabet="htps:/@[]%.#?\\0127aé。\uff0dxn-", max_size=40).map("https://{}".format))
def test_total_and_stable_on_any_text(text: str) -> None:
    try:
        name = hosts.server_name(text)
    except Malformed:
        assert not hosts.is_http_url(text)
        return
    assert hosts.server_name(f"https://{name}/") == name
    assert name.isascii()
    assert name == name.lower()


@given(st.from_regex(r"[a-z]{1,8}(\.[a-z]{2,8}){0,2}", fullmatch=True), st.integers(1, 65535))
def test_origin_and_name_agree(host: str, port: int) -> None:
    url = f"https://{host.upper()}:{port}/x"
    assert hosts.origin(url) == f"https://{hosts.server_name(url)}"
    assert hosts.same_origin(url, f"https://{host}:{port}")
    assert hosts.matches(host, hosts.server_name(url))


@pytest.mark.parametrize("value", [None, 7, [], {}, b"https://example.org/"])
def test_only_strings_are_urls(value: object) -> None:
    assert not hosts.is_http_url(value)


def test_origins_differ_by_scheme_host_and_port() -> None:
    assert hosts.same_origin("https://a.example/1", "https://a.example:443/2")
    assert not hosts.same_origin("https://a.example/", "http://a.example/")
    assert not hosts.same_origin("https://a.example/", "https://a.example:8443/")
    assert not hosts.same_origin("https://a.example/", "https://b.a.example/")
    assert not hosts.same_origin("urn:x", "urn:x")


def test_urls_to_keep_are_https_without_fragment() -> None:
    url = "https://example.org/inbox?x=1"
    assert hosts.check_url(url, allow_http=False) == url
    assert hosts.check_url("http://127.0.0.1:9001/", allow_http=True) == "http://127.0.0.1:9001/"
    assert hosts.check_url(f"{url}#key", allow_http=False, allow_fragment=True) == f"{url}#key"
    with pytest.raises(Malformed):
        hosts.check_url("http://example.org/", allow_http=False)
    with pytest.raises(Malformed):
        hosts.check_url(f"{url}#key", allow_http=False)


def test_ids_are_of_any_scheme() -> None:
    assert hosts.is_id("urn:uuid:1")
    assert not hosts.is_id("")
    assert not hosts.is_id("a b")
    assert not hosts.is_id("a" * (hosts.MAX_URL + 1))


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("Example.ORG", "example.org"),
        ("*.Bücher.example", "*.xn--bcher-kva.example"),
        ("127.0.0.1:9001", "127.0.0.1:9001"),
        ("[::1]:9001", "[::1]:9001"),
    ],
)
def test_patterns_as_people_write_them(text: str, pattern: str) -> None:
    assert hosts.parse_pattern(text) == pattern


@pytest.mark.parametrize(
    "text", ["", "*", "*.", "a.*.b", "https://example.org", "a@example.org", "a/b", "a b", "a?", "a#"]
)
def test_what_is_no_pattern(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        hosts.parse_pattern(text)
    assert caught.value.code == "server-name"


@pytest.mark.parametrize(
    ("pattern", "server", "matched", "covered"),
    [
        ("example.org", "example.org", True, True),
        ("example.org", "a.example.org", False, True),
        ("example.org", "badexample.org", False, False),
        ("example.org", "example.org:8443", True, True),
        ("example.org", "a.example.org:8443", False, True),
        ("*.example.org", "a.b.example.org", True, True),
        ("*.example.org", "example.org", False, False),
        ("*.example.org", "badexample.org", False, False),
        ("*.example.org", "a.example.org:8443", True, True),
        ("127.0.0.1:9001", "127.0.0.1:9001", True, True),
        ("127.0.0.1:9001", "127.0.0.1:9002", False, False),
        ("[::1]", "[::1]:9001", True, True),
    ],
)
def test_patterns(pattern: str, server: str, *, matched: bool, covered: bool) -> None:
    assert hosts.matches(pattern, server) is matched
    assert hosts.covers(pattern, server) is covered


def test_the_servers_of_some_urls_without_what_is_no_url() -> None:
    urls = ["https://A.test/x", "https://a.test/y", "http://b.test:8080/", "acct:me@c.test", ""]
    assert hosts.server_names(urls) == {"a.test", "b.test:8080"}
