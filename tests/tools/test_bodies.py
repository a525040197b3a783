"""Bodies: unpacked within the limit, decoded as they say, and refused where they are no text."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator

import pytest

from app.claude.stop import Stop
from app.tools import bodies
from app.tools.connections import Clock, asked
from app.tools.urls import parse
from app.tools.values import ToolFailed
from tests.tools.websites import Names, Site, Visit, serving

MOST_BYTES = 100_000


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as running:
        yield running


def read(site: Site, most_characters: int = 1_000) -> str:
    """What the site says."""
    clock, url = Clock(3, Stop()), parse(f"http://site.test:{site.port}/")
    with asked(url, Names().web(), clock) as answer:
        bodies.check_type(answer)
        body = bodies.read(answer, MOST_BYTES, clock)
        return bodies.text_of(answer, body, str(url), most_characters).text


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ("naïve", "text/plain; charset=utf-8", "naïve"),
        ("naïve", "text/plain", "naïve"),
        ("naïve".encode("latin-1"), "text/plain", "naïve"),
        ("“naïve”".encode("cp1252"), "text/plain; charset=iso-8859-1", "“naïve”"),
        ("“naïve”".encode("cp1252"), "text/plain; charset=us-ascii", "“naïve”"),
        ("привет".encode("koi8-r"), 'text/plain; charset="KOI8-R"', "привет"),
        ("привет".encode("cp1251"), "text/plain; charset=windows-1251", "привет"),
        ("日本".encode("shift_jis"), "text/plain; charset=Shift_JIS", "日本"),
        ("日本".encode("utf-16"), "text/plain", "日本"),
        (b"\xef\xbb\xbf" + "naïve".encode(), "text/plain; charset=koi8-r", "naïve"),
        (b"na\xc3\xafve \xff", "text/plain; charset=utf-8", "naïve \ufffd"),
        ("naïve", "text/plain; charset=punycode", "naïve"),
        ("naïve", "text/plain; charset=unicode_escape", "naïve"),
        ("naïve", "text/plain; charset=zlib", "naïve"),
        ("naïve", "text/plain; charset=nonsense", "naïve"),
        ("naïve", 'text/plain; charset="\\0"', "naïve"),
        ('<meta charset="koi8-r">привет'.encode("koi8-r"), "text/html", "привет"),
        (
            '<meta http-equiv=x content="text/html;charset=koi8-r">привет'.encode("koi8-r"),
            "text/html",
            "привет",
        ),
        ('<?xml version="1.0" encoding="koi8-r"?><a>я</a>'.encode("koi8-r"), "application/xml", None),
        ('{"a": 1}', "application/json", '{"a": 1}'),
        ('{"a": 1}', "application/vnd.api+json", '{"a": 1}'),
        ("<rss/>", "application/rss+xml", "<rss/>"),
        ("<p>a<p>b", "application/xhtml+xml", "a\n\nb"),
        ("<p>a", "text/plain", "<p>a"),
        (" <!doctype html><p>a", None, "a"),
        ("just text", None, "just text"),
        ("", "text/plain", ""),
        ("", None, ""),
    ],
)
def test_text_is_decoded_as_it_says_it_is(
    site: Site, body: bytes | str, kind: str | None, text: str | None
) -> None:
    site.says(body, kind)
    found = read(site)
    assert found == text if text is not None else "я" in found


@pytest.mark.parametrize(
    "kind", ["image/png", "application/pdf", "application/octet-stream", "video/mp4", "font/x"]
)
def test_what_is_no_text_is_named_and_not_read(site: Site, kind: str) -> None:
    site.answer = lambda visit: visit.give(b"", kind, Content_Length="1234567")
    with pytest.raises(ToolFailed, match=rf"It is {kind}, 1,234,567 bytes: only text"):
        read(site)


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"\x89PNG\r\n\x1a\n\0\0\0", None), (b"\xff\xd8\xff\x81 jpeg", None), (b"a\0b", "text/plain")],
)
def test_what_turns_out_to_be_no_text_is_refused(site: Site, body: bytes, kind: str | None) -> None:
    with pytest.raises(ToolFailed, match="It is no text, "):
        read(site.says(body, kind))


def test_packed_text_is_unpacked(site: Site) -> None:
    assert read(site.says(gzip.compress(b"hello"), Content_Encoding="gzip")) == "hello"
    assert site.headers[-1]["Accept-Encoding"] == "gzip"
    assert read(site.says(zlib.compress(b"hello"), Content_Encoding="Deflate")) == "hello"
    assert read(site.says(b"hello", Content_Encoding="identity")) == "hello"


@pytest.mark.parametrize("packing", ["br", "zstd", "gzip, gzip", "x" * 500])
def test_a_packing_that_nobody_asked_for_is_refused(site: Site, packing: str) -> None:
    with pytest.raises(ToolFailed, match="which was not asked for"):
        read(site.says(b"hello", Content_Encoding=packing))


def test_what_is_packed_otherwise_than_it_says_is_refused(site: Site) -> None:
    with pytest.raises(ToolFailed, match="not packed as it says"):
        read(site.says(b"hello", Content_Encoding="gzip"))
    with pytest.raises(ToolFailed, match="broke off"):
        read(site.says(gzip.compress(b"hello")[:-4], Content_Encoding="gzip"))


def test_a_bomb_is_unpacked_no_further_than_the_limit(site: Site) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(bomb) < MOST_BYTES
    with pytest.raises(ToolFailed, match="larger than 100,000 bytes"):
        read(site.says(bomb, Content_Encoding="gzip"))


def test_the_limit_is_the_largest_that_is_read(site: Site) -> None:
    assert len(read(site.says("x" * MOST_BYTES), MOST_BYTES)) == MOST_BYTES
    packed = gzip.compress(b"x" * MOST_BYTES)
    assert len(read(site.says(packed, Content_Encoding="gzip"), MOST_BYTES)) == MOST_BYTES
    for body, more in (
        ("x" * (MOST_BYTES + 1), {}),
        (gzip.compress(b"x" * (MOST_BYTES + 1)), {"Content_Encoding": "gzip"}),
    ):
        with pytest.raises(ToolFailed, match="ask the operator to raise COLLOQUY_FETCH_BYTES"):
            read(site.says(body, **more))


def test_a_body_without_an_end_is_given_up_at_the_limit(site: Site) -> None:
    sent = []

    def pour(visit: Visit) -> None:
        visit.send_response(200)
        visit.send_header("Content-Type", "text/plain")
        visit.end_headers()
        while True:
            visit.wfile.write(b"x" * 10_000)
            sent.append(10_000)

    site.answer = pour
    with pytest.raises(ToolFailed, match="larger than"):
        read(site)
    assert sum(sent) < 10_000_000


@pytest.mark.parametrize("headers", [{"Content-Length": "100"}, {"Transfer-Encoding": "chunked"}])
def test_a_body_that_breaks_off_is_refused(site: Site, headers: dict[str, str]) -> None:
    def cut(visit: Visit) -> None:
        visit.send_response(200)
        for name, value in headers.items():
            visit.send_header(name, value)
        visit.end_headers()
        visit.wfile.write(b"5\r\nhello\r\n")

    site.answer = cut
    with pytest.raises(ToolFailed):
        read(site)
