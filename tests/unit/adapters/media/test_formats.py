"""Where pictures end, and what may stand behind them."""

from __future__ import annotations

import pytest
from PIL import Image

from relay.adapters.media import formats, samples
from relay.adapters.media.canary import clean_picture, encoded, photograph

SMALL = photograph("small", 64, 48)
KINDS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP")


@pytest.mark.parametrize("kind", KINDS)
def test_the_end_is_found(kind: str) -> None:
    content = clean_picture("end", width=64, height=48, kind=kind)
    picture = formats.sniff(content)
    assert picture is not None
    assert picture.end(content) == len(content)
    assert formats.rest(content + bytes(7) + b"SEFH camera data", picture) == b"SEFH camera data"
    assert formats.is_cut_short(content[:-40], picture)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "tail",
    [b"<HTML>", b"<svg onload=alert(1)>", b"%PDF-1.7", b"PK\x03\x04", b"Rar!\x1a\x07\x00", b"\x7fELF",
     b"MZ\x90", b"\x00\x00\x00\x18ftypmp42", b"MotionPhoto_Data\x00\x00\x00\x18ftypmp42", b"GIF89a"],
)  # fmt: skip
def test_a_second_file_behind_a_picture_is_noticed(kind: str, tail: bytes) -> None:
    content = clean_picture("end", width=64, height=48, kind=kind)
    picture = formats.sniff(content)
    assert picture is not None
    assert formats.is_polyglot(content + tail, picture)
    assert not formats.is_polyglot(content + b"\x00\x00camera data 1.0", picture)
    assert not formats.is_polyglot(content, picture)


@pytest.mark.parametrize(
    "content",
    [b"\x00\x00\x00\x18ftyphevc\x00\x00\x00\x00msf1hevc", b"RIFF\x00\x00\x00\x00WAVEfmt ", b"<svg/>",
     b"%PDF-1.4", b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42", b"\x1aE\xdf\xa3",
     b"ID3", b"OggS", b"xxxxxxxxWEBP", b""],
)  # fmt: skip
def test_other_kinds_are_not_taken_for_pictures(content: bytes) -> None:
    assert formats.sniff(content) is None


def test_avif_is_recognised_by_a_compatible_brand() -> None:
    assert formats.sniff(b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1avif") is not None


def test_heic_is_recognised_by_a_compatible_brand_and_jpeg_xl_in_both_its_forms() -> None:
    assert formats.sniff(b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic") is formats.HEIC
    for content in (samples.jxl(SMALL), samples.jxl(SMALL, usecontainer=True)):
        assert formats.sniff(content) is formats.JXL
        assert formats.JXL.end(content) == len(content)
    assert formats.is_cut_short(samples.jxl(SMALL, usecontainer=True)[:-9], formats.JXL)


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("alpha", [True, False])
def test_webp_sizes_are_read_from_every_kind_of_header(*, lossless: bool, alpha: bool) -> None:
    picture = Image.new("RGBA" if alpha else "RGB", (301, 203), (1, 2, 3, 99) if alpha else (1, 2, 3))
    content = encoded(picture, "WEBP", lossless=lossless)
    assert formats.webp_size(content) == (301, 203)
    assert formats.webp_size(content[:29]) == (0, 0)


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0\x00",
        b"\xff\xd8\xff\xd8\xff\x01\xff\xe0",
        b"\x89PNG\r\n\x1a\n\x00\x00\xff\xffIDAT" + bytes(9),
        b"GIF89a",
        b"GIF89a" + bytes(7) + b"\x99",
        b"GIF89a" + bytes(7) + b"!\xfe\x05abc",
        b"RIFF\x99\x00\x00\x00WEBPVP8 ",
        b"BM\x99\x00\x00",
        b"BM\x99" + bytes(40),
        b"\x00\x00\x00\x14ftypavif\x00\x00\x00\x00avif\x00\x00\x00\x04mdat",
        b"\x00\x00\x00\x14ftypavif\x00\x00\x00\x00avif\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x00\x00\x99",
    ],
)
def test_bytes_without_an_end_are_cut_short(content: bytes) -> None:
    picture = formats.sniff(content)
    assert picture is not None
    assert formats.is_cut_short(content, picture)
    assert formats.rest(content, picture) == b""
    assert formats.is_polyglot(content + b"<script>" + bytes(2000), picture)


def test_a_box_of_length_0_goes_to_the_end_and_so_does_a_tiff() -> None:
    avif = b"\x00\x00\x00\x14ftypavif\x00\x00\x00\x00avif\x00\x00\x00\x00mdat" + bytes(50)
    for content in (avif, b"II*\x00" + bytes(50)):
        picture = formats.sniff(content)
        assert picture is not None
        assert picture.end(content) == len(content)
