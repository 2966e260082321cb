from __future__ import annotations

from typing import Any

import pytest

from mediaattest.digest import to_multibase
from relay.domain.attachments import MAX_LOOKED_AT, MAX_MEDIA, kind_of, media_of
from relay.domain.media import MediaKind, MediaRef

URL = "https://a.example/1.png"
HASH = "sha256:" + "ab" * 32
JWT = "data:application/jwt,e30.e30.c2ln"
DIGEST = "sha256:19a76feaf3788fa0e5fef6b27a7c25ec0963b7671a641f1b61d34adf673d79bf"


def note(**properties: Any) -> dict[str, Any]:
    return {"id": "https://a.example/n", "type": "Note", **properties}


def urls(**properties: Any) -> list[str]:
    media, complete = media_of(note(**properties))
    assert complete
    return [item.url for item in media]


def image(url: Any = URL, **properties: Any) -> dict[str, Any]:
    return {"type": "Image", "mediaType": "image/png", "url": url, **properties}


def link(href: Any = URL, **properties: Any) -> dict[str, Any]:
    return {"type": "Link", "href": href, **properties}


@pytest.mark.parametrize(
    "attachment",
    [
        [image()],
        image(),
        [[image()]],
        [None, image(), 7, True],
        [image(), image()],
        image([link()]),
        image(link()),
        image([link("magnet:?xt=1"), link(), link("https://a.example/2.png")]),
        image([URL, link("https://a.example/2.png")]),
        image({"type": "Link", "href": [URL]}),
        URL,
        [URL],
        {"type": "Document", "url": URL},
        {"type": "Page", "url": URL, "mediaType": "text/html"},
        {"type": "PropertyValue", "url": URL},
        {"url": URL},
        {"type": ["Foo", "Image"], "url": URL},
        link(mediaType="image/png"),
        link(),
        link("https://a.example/1.png", type="Image"),
    ],
)
def test_whatever_a_receiver_may_show_is_found(attachment: Any) -> None:
    assert urls(attachment=attachment) == [URL]


@pytest.mark.parametrize(
    "attachment",
    [
        None,
        [],
        7,
        {},
        {"type": "PropertyValue", "name": "x", "value": "y"},
        image(None),
        image(7),
        image({"type": "Link"}),
        image({"type": "Link", "href": 7}),
        link("https://a.example/page"),
        link("https://a.example/page", mediaType="text/html; charset=utf-8"),
    ],
)
def test_what_is_no_media(attachment: Any) -> None:
    assert urls(attachment=attachment) == []


def test_a_link_with_an_attestation_is_media() -> None:
    assert urls(attachment=link("https://a.example/x", attestation=JWT)) == ["https://a.example/x"]
    assert urls(attachment=link("https://a.example/x", hash=HASH)) == ["https://a.example/x"]


def test_what_nobody_can_fetch_is_listed_to_be_refused() -> None:
    assert urls(attachment=image("data:image/png;base64,AA==")) == ["data:image/png;base64,AA=="]
    assert urls(attachment=image("https://a.example/a b.png")) == ["https://a.example/a b.png"]


def test_covers_and_pictures_count() -> None:
    cover = image("https://a.example/cover.png")
    assert urls(attachment={"type": "Video", "url": "https://a.example/v.mp4", "icon": cover}) == [
        "https://a.example/v.mp4",
        "https://a.example/cover.png",
    ]
    assert urls(attachment={"type": "Audio", "icon": [cover, "https://a.example/c2.png"]}) == [
        "https://a.example/cover.png",
        "https://a.example/c2.png",
    ]
    for name in ("icon", "image", "preview"):
        assert urls(**{name: image()}) == [URL]
        assert urls(**{name: [URL]}) == [URL]
        assert urls(**{name: link(mediaType="image/png")}) == [URL]
        assert urls(**{name: {"url": URL}}) == [URL]
        assert urls(**{name: [7, None, {"type": "Image"}]}) == []


def test_a_picture_without_a_telling_name_is_an_image() -> None:
    media, _ = media_of(note(icon="https://a.example/picture", image="https://a.example/film.mp4"))
    assert [item.kind for item in media] == [MediaKind.IMAGE, MediaKind.VIDEO]


def test_a_preview_may_be_a_post() -> None:
    post = {"type": "Note", "url": "https://a.example/post", "attachment": [image(), 7, image(None)]}
    assert urls(preview=post) == [URL]
    assert urls(preview=link("https://a.example/post")) == []
    assert urls(preview=link("https://a.example/post.png")) == ["https://a.example/post.png"]


def test_emoji_quotes_and_replies_are_not_the_posts_media() -> None:
    emoji = {"type": "Emoji", "name": ":x:", "icon": image()}
    assert urls(tag=[emoji], inReplyTo=note(attachment=[image()]), quote=note(attachment=[image()])) == []


def test_pictures_of_actors_are_not_media() -> None:
    person = {"type": "Person", "icon": image(), "image": image(), "attachment": [image()]}
    assert media_of(person) == ((), True)
    assert media_of(person | {"type": ["Person", "Service"]}) == ((), True)
    disguised, _ = media_of(person | {"type": ["Person", "Note"]})
    assert [item.url for item in disguised] == [URL]


@pytest.mark.parametrize("kind", ["Image", "Document", "Video", "Audio"])
def test_an_object_can_be_media_itself(kind: str) -> None:
    media, _ = media_of({"type": kind, "url": URL, "hash": HASH, "mediaType": "image/png"})
    assert media == (MediaRef(URL, MediaKind.IMAGE, "image/png", (HASH,)),)
    assert media_of({"type": kind}) == ((), True)
    assert media_of({"type": kind, "url": link(mediaType="text/html")}) == ((), True)


def test_of_many_resolutions_the_first_is_taken() -> None:
    watch = link("https://tube.example/w/1", mediaType="text/html")
    playlist = link("https://tube.example/1.m3u8", mediaType="application/x-mpegURL")
    files = [
        link(f"https://tube.example/{size}.mp4", mediaType="video/mp4", height=size) for size in (1080, 720)
    ]
    nested = playlist | {"tag": [{"type": "Infohash"}, link("https://tube.example/1.json"), *files]}
    for links in ([watch, *files, playlist], [watch, nested], [watch, playlist]):
        media, complete = media_of(
            {"type": "Video", "mediaType": "text/markdown", "url": links, "icon": [image()]}
        )
        first = (
            "https://tube.example/1.m3u8"
            if files[0] not in links and nested not in links
            else files[0]["href"]
        )
        assert [(item.url, item.kind) for item in media] == [(first, MediaKind.VIDEO), (URL, MediaKind.IMAGE)]
        assert complete


def test_claims_are_strings_or_arrays_of_at_most_four() -> None:
    media, _ = media_of(note(attachment=image(hash=HASH, attestation=[JWT, 7, None, *"bcde"])))
    assert media == (MediaRef(URL, MediaKind.IMAGE, "image/png", (HASH,), (JWT, "b", "c", "d")),)


def test_claims_may_stand_on_the_link() -> None:
    media, _ = media_of(note(attachment=image(link(hash=HASH, attestation=JWT))))
    assert media == (MediaRef(URL, MediaKind.IMAGE, "image/png", (HASH,), (JWT,)),)


def test_fep_1311_digests_are_hashes() -> None:
    multibase = to_multibase(DIGEST)
    media, _ = media_of(note(attachment=image(digestMultibase=multibase, hash=HASH)))
    assert media[0].hashes == (HASH, DIGEST)
    media, _ = media_of(note(attachment=image(digestMultibase=[multibase, "zz", "x"], hash=DIGEST)))
    assert media[0].hashes == (DIGEST,)


def test_the_list_is_bounded() -> None:
    many = [image(f"https://a.example/{number}.png") for number in range(MAX_MEDIA)]
    media, complete = media_of(note(attachment=many, image=many))
    assert len(media) == MAX_MEDIA
    assert complete
    media, complete = media_of(note(attachment=[*many, image("https://a.example/one-more.png")]))
    assert len(media) == MAX_MEDIA
    assert not complete


def test_the_work_is_bounded() -> None:
    assert media_of(note(attachment=[{}] * MAX_LOOKED_AT)) == ((), True)
    assert media_of(note(attachment=[*[{}] * MAX_LOOKED_AT, image()])) == ((), False)
    assert media_of(note(attachment={"icon": [7] * MAX_LOOKED_AT})) == ((), False)
    assert media_of(note(attachment=[image()] * MAX_LOOKED_AT))[1]


@pytest.mark.parametrize(
    "name", ["as:attachment", "https://www.w3.org/ns/activitystreams#attachment", "x:icon", "_:url"]
)
def test_names_that_hide_media_from_plain_json_are_noticed(name: str) -> None:
    assert media_of(note(**{name: image()})) == ((), False)
    assert media_of(note(**{"ostatus:conversation": "x", "as:name": "y"})) == ((), True)


@pytest.mark.parametrize(
    ("media_type", "object_type", "url", "kind"),
    [
        ("image/png", "Video", "x.mp3", MediaKind.IMAGE),
        ("video/mp4", None, "x", MediaKind.VIDEO),
        ("audio/ogg", "Document", "x", MediaKind.AUDIO),
        ("application/x-mpegurl", None, "x", MediaKind.VIDEO),
        ("application/octet-stream", "Audio", "x.png", MediaKind.AUDIO),
        ("application/octet-stream", "Document", "x.PNG?a=.mp3#b", MediaKind.IMAGE),
        (None, "Document", "https://a.example/x.webm", MediaKind.VIDEO),
        (None, None, "https://a.example/x", MediaKind.OTHER),
        ("application/pdf", "Document", "x.pdf", MediaKind.OTHER),
        ("", None, "", MediaKind.OTHER),
    ],
)
def test_kinds(media_type: str | None, object_type: str | None, url: str, kind: MediaKind) -> None:
    assert kind_of(media_type, object_type, url) is kind


@pytest.mark.parametrize("value", [7, "", " ;charset=utf-8", None, ["image/png"]])
def test_a_media_type_that_is_none_is_left_out(value: Any) -> None:
    media, _ = media_of(note(attachment={"type": "Image", "mediaType": value, "url": URL}))
    assert media == (MediaRef(URL, MediaKind.IMAGE),)
