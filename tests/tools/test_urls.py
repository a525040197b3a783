"""URLs mean one thing or are refused, and the list of hosts lets through what it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.tools.urls import Url, follow, is_listed, parse
from app.tools.values import ToolFailed

HERE = parse("https://example.org/a/b?c")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("https://example.org", "https://example.org/"),
        (" HTTPS://EXAMPLE.org:443/A?b=C#part ", "https://example.org/A?b=C"),
        ("http://example.org.:8080?x", "http://example.org:8080/?x"),
        ("http://example.org:080/", "http://example.org/"),
        ("http://127.0.0.1./", "http://127.0.0.1/"),
        ("http://[0:0::1]:80/", "http://[::1]/"),
        ("http://[::FFFF:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
        ("http://127\u30020\uff0e0\uff611/", "http://127.0.0.1/"),
        ("http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/", "http://127.0.0.1/"),
        ("http://\uff11\uff12\uff17.0.0.1/", "http://127.0.0.1/"),
        ("http://\uff4c\uff4f\uff43alhost/", "http://localhost/"),
        ("https://b\u00fccher.example/\u00fc?q=\u00e9", "https://xn--bcher-kva.example/%C3%BC?q=%C3%A9"),
        ("https://example.org/%41%2e%2e/a|b", "https://example.org/%41%2e%2e/a%7Cb"),
        ("http://my_host.example/", "http://my_host.example/"),
    ],
)
def test_a_url_is_what_it_means(text: str, meant: str) -> None:
    assert str(parse(text)) == meant
    assert parse(meant) == parse(text)


@pytest.mark.parametrize(
    "authority",
    [
        "2130706433",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "017700000001",
        "127.1",
        "127.0.1",
        "127.0.0.01",
        "127.0.0.0x1",
        "127.0.0.1.1",
        "127.0.0.256",
        "1.2.3.0x",
        "127.0.0.1..",
        "[::1%25lo]",
        "[fe80::1%eth0]",
        "[::1",
        "::1",
        "[127.0.0.1]",
        "[::1]x",
        "x[::1]",
        "[]",
        "%31%32%37.0.0.1",
        "127.0.0.1%2f",
        "user@example.org",
        "user:password@example.org",
        "example.org@127.0.0.1",
        "example.org:80@127.0.0.1:80",
        "@127.0.0.1",
        "",
        ":80",
        ".",
        "..example.org",
        "-a.example",
        "a..example",
        "example.org:0",
        "example.org:65536",
        "example.org:",
        "example.org:80:80",
        "example.org:\u0661",
        "\u2488.example",
        "\u00ad",
        "a" * 64 + ".example",
        "a." * 127 + "org",
    ],
)
def test_a_host_in_doubt_is_refused(authority: str) -> None:
    with pytest.raises(ToolFailed):
        parse(f"http://{authority}/")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.org",
        "//example.org/",
        "http:example.org",
        "http:/example.org/",
        "http:///example.org",
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://example.org/",
        "javascript:alert(1)",
        "data:text/plain,x",
        "http://exa mple.org/",
        "http://example.org/a b",
        "http://example.org/\r\nHost: x",
        "http://exam\tple.org/",
        "http://example.org\\@127.0.0.1/",
        "http:\\\\127.0.0.1\\",
        "http://example.org/\0",
        "http://example.org/" + "a" * 8_000,
    ],
)
def test_what_is_no_url_of_the_web_is_refused(text: str) -> None:
    with pytest.raises(ToolFailed):
        parse(text)


@given(st.text(), st.text())
def test_whatever_is_given_means_one_thing_or_is_refused(host: str, rest: str) -> None:
    try:
        found = parse(f"http://{host}/{rest}")
    except ToolFailed:
        return
    assert str(found).isascii()
    assert str(found).isprintable()
    assert parse(str(found)) == found


@pytest.mark.parametrize(
    ("location", "there"),
    [
        ("/x", "https://example.org/x"),
        ("x?y#z", "https://example.org/a/x?y"),
        ("//other.example/x", "https://other.example/x"),
        ("https://other.example", "https://other.example/"),
        ("/caf\u00c3\u00a9", "https://example.org/caf%C3%A9"),
    ],
)
def test_a_redirect_leads_from_where_it_stands(location: str, there: str) -> None:
    assert str(follow(HERE, location)) == there


@pytest.mark.parametrize(
    "location",
    [
        "http://example.org/",
        "ftp://x.example/",
        "https://u@example.org/",
        "//[::1",
        "//2130706433/",
        "http:\\\\x",
        "/a b",
    ],
)
def test_a_redirect_that_nobody_should_follow_is_refused(location: str) -> None:
    with pytest.raises(ToolFailed):
        follow(HERE, location)


def test_http_may_lead_to_https_and_not_back() -> None:
    assert follow(Url("http", "example.org", 80, "/"), "https://example.org/").scheme == "https"
    with pytest.raises(ToolFailed, match="from https to http"):
        follow(HERE, "http://example.org/a/b")


@pytest.mark.parametrize(
    ("entry", "allowed", "refused"),
    [
        (
            "example.org",
            ["http://example.org", "https://EXAMPLE.org."],
            [
                "http://example.org:8080",
                "https://example.org:80",
                "http://www.example.org",
                "http://xexample.org",
            ],
        ),
        ("Example.org:8080", ["http://example.org:8080", "https://example.org:8080"], ["http://example.org"]),
        (
            "*.example.org",
            ["http://a.example.org", "http://a.b.example.org"],
            [
                "http://example.org",
                "http://aexample.org",
                "http://a.example.org.evil.test",
                "http://a.example.org:81",
            ],
        ),
        ("*", ["http://example.org", "http://1.2.3.4", "http://[2a00::1]"], ["http://example.org:8080"]),
        ("*:8080", ["http://example.org:8080"], ["http://example.org"]),
        ("*.3.4", [], ["http://1.2.3.4"]),
        ("1.2.3.4", ["http://1.2.3.4"], ["http://1.2.3.5"]),
        ("[2a00::1]:81", ["http://[2A00:0::1]:81"], ["http://[2a00::1]", "http://[2a00::2]:81"]),
    ],
)
def test_the_list_lets_through_what_it_says(entry: str, allowed: list[str], refused: list[str]) -> None:
    assert all(is_listed(parse(one), ["other.test", entry]) for one in allowed)
    assert not any(is_listed(parse(one), ["other.test", entry]) for one in refused)
    assert not any(is_listed(parse(one), []) for one in allowed)
