"""The tool fetch_url: what it says of a page, and every way in which it must not be led astray."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from app.tools.connections import Web
from app.tools.fetching import Bounds, fetch_url
from app.tools.values import BUILT_IN, Scene, Tool, ToolFailed
from tests.tools.websites import PRIVATE, PUBLIC, Authority, Names, Site, Visit, is_free, serving

SCENE = Scene("usr_1", "ses_1", "msg_1")
# Every form of this machine, of its network and of a cloud's metadata.
HOSTILE = """
169.254.169.254 127.0.0.1 127.0.0.1. 127.1 127.0.1 2130706433 0177.0.0.1 017700000001 0x7f.0.0.1 0x7f000001
0 0.0.0.0 10.0.0.1 192.168.0.1 172.16.0.1 100.100.100.200 168.63.129.16 localhost LOCALHOST localhost.
[::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [64:ff9b::127.0.0.1]
[2002:7f00:1::] [2001:0:4136:e378:8000:63bf:3fff:fdd2] [fd00:ec2::254] [fe80::1] [fe80::1%25lo] [::1%lo]
127\u30020\u30020\u30021 \uff11\uff12\uff17.0.0.1 \u2460\u2461\u2466.0.0.1 \uff4cocalhost
%31%32%37.0.0.1 127.0.0.1%00 user@127.0.0.1 site.test@127.0.0.1 site.test%40127.0.0.1 127.0.0.1\\@site.test
inner.test metadata.test
"""


@pytest.fixture
def site() -> Iterator[Site]:
    """A server at an address that counts as public; its port is free at the private one."""
    while True:
        with serving() as running:
            if is_free(PRIVATE, running.port):
                yield running
                return


@pytest.fixture
def private(site: Site) -> Iterator[Site]:
    """What must not be reached, at the same port."""
    with serving(PRIVATE, site.port) as running:
        yield running


def tool(site: Site, web: Web | None = None, **bounds: Any) -> Tool:
    """The tool for any host, at the usual ports and the site's."""
    hosts = bounds.pop("hosts", ("*", f"*:{site.port}"))
    return fetch_url(Bounds(hosts, **{"seconds": 3, **bounds}), web or Names().web())


def fetched(site: Site, path: str = "/", host: str = "site.test", **more: Any) -> str:
    return str(tool(site, **more).act({"url": f"http://{host}:{site.port}{path}"}, SCENE))


def test_a_page_is_told_with_its_address_status_and_type(site: Site) -> None:
    site.says("<h1>Hello</h1><a href=/more>more</a>", "text/html; charset=utf-8")
    head, _, text = fetched(site, "/page#part").partition("\n\n")
    assert head.startswith(
        f"http://site.test:{site.port}/page\n200 OK, text/html, 36 bytes. What follows was written"
    )
    assert text == f"# Hello\n\n[more](http://site.test:{site.port}/more)"


def test_a_page_without_text_or_type_says_so(site: Site) -> None:
    assert fetched(site.says("", None)).endswith("\n\n(no text)")
    assert "200 OK, type not said, 5 bytes" in fetched(site.says("hello", None))
    assert "204 No Content" in fetched(site.says("", None, 204))


def test_no_more_is_told_than_was_asked_for(site: Site) -> None:
    given = {"url": f"http://site.test:{site.port}/", "max_characters": 100}
    said = str(tool(site.says("x" * 101)).act(given, SCENE))
    assert said.endswith(
        "\n\n" + "x" * 100 + "\n\n[Cut after 100 characters: ask for more with max_characters.]"
    )
    assert str(tool(site.says("x" * 100)).act(given, SCENE)).endswith("\n\n" + "x" * 100)
    assert fetched(site.says("x" * 20_001)).count("x" * 20_000) == 1


def test_the_tool_says_which_hosts_it_reaches(site: Site) -> None:
    made = tool(site, hosts=("example.org", "*.example.com"))
    assert (made.name, made.source, made.needs_approval, made.is_parallel) == (
        "fetch_url",
        BUILT_IN,
        False,
        True,
    )
    assert "only from these hosts: example.org, *.example.com." in made.description
    assert "any public host" in tool(site).description
    assert made.time_limit_seconds > 3


def test_a_host_that_is_not_listed_is_refused_before_it_is_looked_up(site: Site) -> None:
    names = Names()
    for hosts in (("example.org",), ("site.test",), (f"*.site.test:{site.port}",), ()):
        with pytest.raises(ToolFailed, match="ask the operator to add it to COLLOQUY_FETCH_HOSTS"):
            fetched(site, web=names.web(), hosts=hosts)
    assert (names.asked, site.asked) == ([], [])
    assert "hello" in fetched(site, web=names.web(), hosts=("example.org", f"Site.test:{site.port}"))


@pytest.mark.parametrize("host", HOSTILE.split())
def test_a_hostile_host_is_refused(site: Site, private: Site, host: str) -> None:
    names = Names(
        **{"inner.test": [["10.0.0.1"]], "metadata.test": [["169.254.169.254"]], "localhost": [[PRIVATE]]}
    )
    with pytest.raises(ToolFailed):
        fetched(site, host=host, web=names.web())
    with pytest.raises(ToolFailed):
        fetched(site, host=host, web=Web(names.resolve))
    assert (site.asked, private.asked) == ([], [])


@pytest.mark.parametrize("host", HOSTILE.split())
def test_a_redirect_to_a_hostile_host_is_refused(site: Site, private: Site, host: str) -> None:
    names = Names(
        **{"inner.test": [["10.0.0.1"]], "metadata.test": [["169.254.169.254"]], "localhost": [[PRIVATE]]}
    )
    location = f"http://{host}:{site.port}/".encode().decode("latin-1")
    with pytest.raises(ToolFailed):
        fetched(site.sends(location), "/from", web=names.web())
    assert site.asked == ["/from"]
    assert private.asked == []


def test_a_name_that_changes_what_it_means_leads_nowhere_else(site: Site, private: Site) -> None:
    names = Names(**{"turning.test": [[PUBLIC], [PRIVATE]]})
    assert "hello" in fetched(site, host="turning.test", web=names.web())
    assert names.asked == ["turning.test"]
    names = Names(**{"turning.test": [[PUBLIC], [PRIVATE]]})
    with pytest.raises(ToolFailed, match="is not on the public internet"):
        fetched(site.sends("/again"), host="turning.test", web=names.web())
    assert private.asked == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_and_the_last_address_told(site: Site, status: int) -> None:
    def lead(visit: Visit) -> None:
        if visit.path == "/new":
            return visit.give("there")
        return visit.give(status=status, Location="new#x")

    site.answer = lead
    said = fetched(site, "/old")
    assert said.startswith(f"http://site.test:{site.port}/new\n200 OK")
    assert said.endswith("there")


def test_a_redirect_to_a_host_that_is_not_listed_is_refused(site: Site) -> None:
    site.sends(f"http://other.test:{site.port}/")
    with pytest.raises(ToolFailed, match=r"other\.test:\d+ is not on the list"):
        fetched(site, hosts=(f"site.test:{site.port}",))
    with pytest.raises(ToolFailed, match="is not on the list"):
        fetched(site.sends("http://site.test/"), hosts=(f"site.test:{site.port}",))


def test_a_redirect_that_goes_round_is_given_up(site: Site) -> None:
    with pytest.raises(ToolFailed, match="redirects more than 5 times"):
        fetched(site.sends("/"))
    assert len(site.asked) == 6


@pytest.mark.parametrize(
    "location", ["ftp://site.test/", "file:///etc/passwd", "http://u:p@site.test/", "//[::1"]
)
def test_a_redirect_to_what_is_no_page_is_refused(site: Site, location: str) -> None:
    with pytest.raises(ToolFailed):
        fetched(site.sends(location))
    assert len(site.asked) == 1


def test_a_redirect_may_lead_to_https_and_not_back(
    site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    authority = Authority(tmp_path_factory.mktemp("tls"))
    with serving(tls=authority.serves("site.test")) as safe:
        safe_url = f"https://site.test:{safe.port}/"
        bounds = {"hosts": (f"*:{site.port}", f"*:{safe.port}"), "web": Names().web(authority)}
        said = fetched(site.sends(safe_url), **bounds)
        assert said.startswith(f"{safe_url}\n200 OK")
        safe.sends(f"http://site.test:{site.port}/")
        with pytest.raises(ToolFailed, match="from https to http"):
            fetched(site, **bounds)
        assert len(site.asked) == 2


@pytest.mark.parametrize("status", [300, 304, 400, 401, 404, 429, 500, 503])
def test_what_is_no_success_is_told(site: Site, status: int) -> None:
    with pytest.raises(ToolFailed, match=f"answers {status} "):
        fetched(site.says("sorry", status=status))


def test_the_time_is_for_all_redirects_together(site: Site) -> None:
    def lead(visit: Visit) -> None:
        time.sleep(0.2)
        visit.give(status=302, Location="/")

    site.answer = lead
    began = time.monotonic()
    with pytest.raises(ToolFailed, match=r"longer than 0\.5 seconds"):
        fetched(site, seconds=0.5)
    assert time.monotonic() - began < 1.5


def test_a_page_that_is_too_large_is_refused(site: Site) -> None:
    with pytest.raises(ToolFailed, match="larger than 1,000 bytes"):
        fetched(site.says("x" * 1_001), most_bytes=1_000)


@pytest.mark.parametrize(
    "url", ["", "site.test", "ftp://site.test/", "http://site.test/a b", "http://site.test\r\nX: y/"]
)
def test_what_is_no_url_is_refused(site: Site, url: str) -> None:
    with pytest.raises(ToolFailed):
        tool(site).act({"url": url}, SCENE)
