"""The page for hashes of one's own pictures, in a real Chromium: what it computes, sends, and looks like."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from relay.adapters.media.hashing import Limits
from relay.adapters.media.videos import hash_sniffed
from relay.domain.media import PDQ_DRIFT, Decoded
from relay.domain.rates import Rate
from tests.browser import own_pictures
from tests.browser.looking import NARROWEST, css, go, look_for_faults, press, tab_to
from tests.browser.recorder import Recorder, recording

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.browser.conftest import Browser, Site

LIMITS = Limits(100_000_000)
FEW = 400
"""Bytes that a picture may cost: two hashes, as JSON."""
HEADERS = 2_000
"""Bytes of the head of a request."""
IN_STRIPS = """
const done = arguments[arguments.length - 1];
import("/static/pdq.js").then(({ Hasher }) => {
  const hasher = new Hasher(width, height);
  for (let top = 0; top < height; top += 64 * hasher.factor) {
    const count = Math.min(64 * hasher.factor, height - top);
    hasher.add(rows(top, count), count);
  }
  done(hasher.finish());
});
"""
IN_PIECES = """
const done = arguments[arguments.length - 1];
import("/static/sha256.js").then(({ inPieces }) => {
  const bytes = new Uint8Array(arguments[0]).map((_, at) => (at * 7 + 3) % 251);
  return inPieces(new Blob([bytes]));
}).then(done);
"""
HONEST = """
const [isNoisy, done] = arguments;
const context = OffscreenCanvasRenderingContext2D.prototype;
const read = context.getImageData;
context.getImageData = function noisy(...place) {
  const found = read.apply(this, place);
  if (isNoisy) found.data.forEach((_, at) => { found.data[at] = (at * 37) % 256; });
  return found;
};
import("/static/submit-worker.js").then(() => {
  globalThis.postMessage = (answer) => done(answer.honest);
  globalThis.onmessage({ data: { id: 1, task: "honest" } });
});
"""


@pytest.fixture
def recorder(site: Site) -> Iterator[Recorder]:
    """A wire to the relay that tells everything that was sent over it."""
    started, found, stop = threading.Event(), list[Recorder](), asyncio.Event()

    async def work() -> None:
        async with recording(site.url) as recorder:
            found.append(recorder)
            started.set()
            await stop.wait()

    running = asyncio.run_coroutine_threadsafe(work(), site.loop)
    assert started.wait(10)
    yield found[0]
    site.loop.call_soon_threadsafe(stop.set)
    running.result(10)


def choose(browser: Browser, folder: Path, files: Mapping[str, bytes], path: str = "/submit") -> None:
    """Open the page, put files into it, and wait until all are ready."""
    browser.open(path)
    add(browser, folder, files)


def add(browser: Browser, folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    css(browser, "#choose").send_keys("\n".join(str(folder / name) for name in files))
    wait(browser, "return /ready\\.$/.test(document.getElementById('summary').textContent)")


def wait(browser: Browser, script: str) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser.driver, 50, poll_frequency=0.1).until(lambda driver: driver.execute_script(script))


def send(browser: Browser, about: str | None = "adult") -> str:
    """Send what was chosen; return the path of the link."""
    if about:
        css(browser, f"#{about}").click()
    css(browser, "#mine").click()
    css(browser, "#send").click()
    wait(browser, "return !document.getElementById('result').hidden")
    link = css(browser, "#link").get_attribute("value")
    assert link
    return str(link)[len(browser.site.url) :]


def posted(browser: Browser) -> dict[str, list[tuple[str, int]]]:
    """What left the browser since the last look: PDQ with quality, by the SHA-256 before it."""
    found: dict[str, list[tuple[str, int]]] = {}
    latest: list[tuple[str, int]] = []
    for entry in browser.driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        request = message["params"].get("request", {})
        if message["method"] == "Network.requestWillBeSent" and request["method"] == "POST":
            for one in json.loads(request["postData"])["hashes"]:
                if one["algorithm"] == "sha256":
                    latest = found.setdefault(one["value"], [])
                else:
                    latest.append((one["value"], one["quality"]))
    return found


def ours(content: bytes) -> list[tuple[str, int]]:
    """The PDQ of every frame as the relay sees it."""
    decoded = hash_sniffed(content, LIMITS)
    assert isinstance(decoded, Decoded), decoded
    return [(frame.pdq.hex(), frame.quality) for frame in decoded.frames]


def bits(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


# ---------------------------------------------------------------- what it computes


@pytest.mark.parametrize(
    ("width", "height"), [(4, 90), (5, 5), (64, 64), (333, 127), (1023, 1024), (1600, 1537), (4000, 3000)]
)
def test_the_same_pixels_give_the_same_hash(browser: Browser, width: int, height: int) -> None:
    browser.open("/submit")
    script = own_pictures.PATTERN + IN_STRIPS
    found = browser.driver.execute_async_script(script, width, height)
    pixels = own_pictures.pattern(width, height)
    assert (found["value"], found["quality"]) == relay_hash(pixels)


def relay_hash(pixels: Any) -> tuple[str, int]:
    from PIL import Image

    from relay.adapters.media.hashing import Frame, hash_frame

    [frame] = hash_frame(Frame(Image.fromarray(pixels), (pixels.shape[1], pixels.shape[0])))
    return frame.pdq.hex(), frame.quality


@pytest.mark.parametrize("size", [0, 1, 55, 56, 64, 1_000, 5_000_001])
def test_sha256_in_pieces_is_sha256(browser: Browser, size: int) -> None:
    browser.open("/submit")
    found = browser.driver.execute_async_script(IN_PIECES, size)
    assert found == hashlib.sha256(bytes((at * 7 + 3) % 251 for at in range(size))).hexdigest()


def test_a_browser_that_gives_noise_for_pixels_is_found_out(browser: Browser) -> None:
    for is_noisy in (True, False):
        browser.open("/submit")
        assert browser.driver.execute_async_script(HONEST, is_noisy) is not is_noisy


def test_files_are_hashed_as_the_relay_hashes_them(browser: Browser, tmp_path: Path) -> None:
    equal, alike = own_pictures.equal(), own_pictures.alike()
    choose(browser, tmp_path, {**equal, **alike})
    browser.driver.get_log("performance")
    send(browser)
    found = posted(browser)
    for name, content in equal.items():
        theirs = found[hashlib.sha256(content).hexdigest()]
        assert theirs, name
        assert theirs == ours(content)[: len(theirs)], name
    for name, content in alike.items():
        theirs, mine = found[hashlib.sha256(content).hexdigest()], ours(content)
        worst = max(min(bits(one, other) for other, _ in mine) for one, _ in theirs)
        assert len(theirs) == len(mine), name
        assert worst <= PDQ_DRIFT, (name, worst)
    white, black = found[hashlib.sha256(equal["see-through.png"]).hexdigest()]
    assert bits(white[0], black[0]) > PDQ_DRIFT


def test_videos_are_found_by_their_frames(browser: Browser, tmp_path: Path) -> None:
    films = own_pictures.films()
    choose(browser, tmp_path, films)
    browser.driver.get_log("performance")
    send(browser)
    found = posted(browser)
    for name, content in films.items():
        theirs = found[hashlib.sha256(content).hexdigest()]
        assert theirs, name
        worst = max(min(bits(one, other) for other, _ in ours(content)) for one, _ in theirs)
        assert worst <= PDQ_DRIFT, (name, worst)


# ---------------------------------------------------------------- what it sends


def test_no_picture_no_name_and_nothing_else_leaves_the_browser(
    browser: Browser, recorder: Recorder, tmp_path: Path
) -> None:
    files = own_pictures.many(24) | {"film-of-anna.mp4": own_pictures.films()["canary.mp4"]}
    browser.look()
    browser.strangers()
    browser.driver.get(recorder.url + "/submit")
    wait(browser, "return !document.getElementById('submit').hidden")
    add(browser, tmp_path, {"warming-up.png": own_pictures.equal()["plain.png"]})
    css(browser, "#files button").click()
    assert b"GET /static/sha256.js" in recorder.sent
    recorder.forget()
    add(browser, tmp_path, files)
    assert bytes(recorder.sent) == b""
    css(browser, "#minor").click()
    css(browser, "#mine").click()
    css(browser, "#send").click()
    wait(browser, "return !document.getElementById('result').hidden")
    sent = bytes(recorder.sent)
    head, _, body = sent.partition(b"\r\n\r\n")
    assert sent.count(b" HTTP/1.1\r\n") == 1
    assert head.startswith(b"POST /submit HTTP/1.1\r\n")
    assert len(head) < HEADERS
    assert len(body) < FEW * len(files)
    document = json.loads(body)
    assert set(document) == {"about", "hashes"}
    assert {key for one in document["hashes"] for key in one} == {"algorithm", "value", "quality"}
    assert b"anna" not in sent.lower()
    assert b"cookie" not in head.lower()
    assert b"referer" not in head.lower()
    for content in files.values():
        assert hashlib.sha256(content).hexdigest().encode() in body
        for at in range(0, len(content) - 16, 97):
            assert content[at : at + 16] not in sent
    assert [one for one in browser.strangers() if not one.startswith(recorder.url)] == []
    kept = "return [localStorage.length, sessionStorage.length, document.cookie]"
    assert browser.driver.execute_script(kept) == [0, 0, ""]


def test_there_is_no_limit_of_ten_files(browser: Browser, site: Site, tmp_path: Path) -> None:
    files = own_pictures.many(200)
    choose(browser, tmp_path, files)
    assert css(browser, "#summary").text == "All 200 ready."
    link = send(browser)
    assert int(css(browser, "#count").text) > 200
    browser.open(link)
    assert "In use" in css(browser, ".facts").text
    number = int(css(browser, "h1").text.split()[1])
    standing = site.run(site.relay.office.hash_submissions.get(number))
    assert standing.in_force == standing.submission.hashes > 200


def test_when_many_send_the_page_waits_and_goes_on_by_itself(
    browser: Browser, site: Site, tmp_path: Path
) -> None:
    submissions = site.relay.office.hash_submissions
    before = submissions.rules
    submissions.rules = type(before)(before.lists, before.review_first, Rate(1, 3600), None, before.most)
    try:
        choose(browser, tmp_path, own_pictures.many(1))
        send(browser)
        browser.open("/submit")
        add(browser, tmp_path, own_pictures.many(2))
        css(browser, "#adult").click()
        css(browser, "#mine").click()
        css(browser, "#send").click()
        wait(browser, "return document.getElementById('summary').textContent.includes('goes on by itself')")
        submissions.rules = before
        hurry = "const real = setTimeout; window.setTimeout = (work) => real(work, 0)"
        browser.driver.execute_script(hurry)
        wait(browser, "return !document.getElementById('result').hidden")
    finally:
        submissions.rules = before


# ---------------------------------------------------------------- what it is like to use


@pytest.mark.parametrize("path", ["/submit", "/submit/nothing"])
def test_axe_finds_nothing_wrong(browser: Browser, path: str) -> None:
    browser.look()
    browser.open(path)
    look_for_faults(browser, path)
    narrow(browser)


def test_axe_finds_nothing_wrong_with_chosen_files(browser: Browser, tmp_path: Path) -> None:
    browser.look()
    files = {"flat.png": b"", "letter.pdf": b"x", "broken.jpg": b"x"}
    choose(browser, tmp_path, {**own_pictures.many(2), **files})
    shown = css(browser, "#files").text
    for words in ("Changed copies can be found", "cannot open it", "no picture or video"):
        assert words in shown
    look_for_faults(browser, "chosen")
    narrow(browser)


def test_axe_finds_nothing_wrong_when_they_were_sent(browser: Browser, tmp_path: Path) -> None:
    browser.look()
    choose(browser, tmp_path, own_pictures.many(1))
    send(browser)
    look_for_faults(browser, "sent")
    narrow(browser)


def test_axe_finds_nothing_wrong_with_a_submission(browser: Browser, tmp_path: Path) -> None:
    browser.look()
    choose(browser, tmp_path, own_pictures.many(1))
    browser.open(send(browser))
    look_for_faults(browser, "standing")
    narrow(browser)


def narrow(browser: Browser) -> None:
    browser.look(width=NARROWEST, height=700)
    assert browser.driver.execute_script("return document.documentElement.scrollWidth") <= NARROWEST


def test_a_flat_picture_is_told_kindly_and_a_file_can_be_removed(browser: Browser, tmp_path: Path) -> None:
    from PIL import Image

    browser.look()
    Image.new("RGB", (64, 64), "grey").save(tmp_path / "grey.png")
    grey = (tmp_path / "grey.png").read_bytes()
    choose(browser, tmp_path, {"grey.png": grey, **own_pictures.many(1)})
    first = css(browser, "#files li")
    assert "too little in it" in first.text
    css(browser, "#files button").click()
    assert css(browser, "#summary").text == "All 1 ready."
    assert browser.driver.switch_to.active_element.get_attribute("aria-label") == "Remove anna-0.jpg"
    browser.driver.get_log("performance")
    send(browser)
    assert hashlib.sha256(grey).hexdigest() not in posted(browser)


def test_more_is_added_with_the_link_and_all_is_taken_back(
    browser: Browser, site: Site, tmp_path: Path
) -> None:
    browser.look()
    choose(browser, tmp_path, own_pictures.many(1))
    link = send(browser)
    choose(browser, tmp_path, own_pictures.many(3), link)
    assert send(browser, about=None) == link
    go(browser, css(browser, "#open"))
    assert "6" in css(browser, ".facts").text
    go(browser, css(browser, "button.stop"))
    assert "Taken back" in css(browser, ".facts").text
    assert browser.complaints() == []


def test_the_way_out_leads_away_and_not_back(browser: Browser) -> None:
    browser.look()
    browser.open("/")
    browser.open("/submit")
    before = browser.driver.execute_script("return history.length")
    go(browser, css(browser, "#leave"))
    assert browser.driver.current_url.endswith("/why")
    assert browser.driver.execute_script("return history.length") == before
    browser.driver.back()
    assert browser.driver.current_url == browser.site.url + "/"


def test_everything_is_reached_with_the_keyboard(browser: Browser, tmp_path: Path) -> None:
    browser.look()
    choose(browser, tmp_path, own_pictures.many(1))
    browser.driver.execute_script("document.activeElement.blur(); scrollTo(0, 0)")
    for place in ("#leave", "#adult"):
        tab_to(browser, place)
    press(browser, "Space")
    for place in ("#choose", "#files button", "#mine"):
        tab_to(browser, place)
    press(browser, "Space")
    tab_to(browser, "#send")
    press(browser, "Enter")
    wait(browser, "return !document.getElementById('result').hidden")
    assert browser.driver.switch_to.active_element == css(browser, "#result")


def test_without_javascript_it_says_what_is_needed_and_who_helps(plain_browser: Browser) -> None:
    browser = plain_browser
    browser.open("/submit")
    text = css(browser, "main").text
    assert "needs JavaScript" in " ".join(text.split())
    assert not css(browser, "#send").is_displayed()
    assert "call the police" in text.lower()
    countries = browser.driver.find_elements("css selector", ".countries summary")
    assert len(countries) >= 15
    countries[0].click()
    assert css(browser, ".countries .phone").is_displayed()
    assert css(browser, "#leave").get_attribute("href")
    assert browser.complaints() == []
