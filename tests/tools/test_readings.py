"""HTML is read as text, whatever it is made of, in a time by its length."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.tools.readings import readable

ADDRESS = "https://example.org/a/b"
PAGE = """<!doctype html><html><head><title>T &amp; x</title><style>p {}</style>
<script>if (a<b) "</p>"</script></head>
<body class='a>b' data-x=it's><!-- c > d --><!--> <h1>Head <a href="/l?a=1&amp;b=2">one</a></h1><p>Some
   <b>bold</b> text &lt;tag&gt; 3 < 4 and 5<6.
<ul><li>A<li><a href=mailto:x>B</a></ul><table><tr><th>k<th>v
<tr> <td>1</td><td>2</td></table><pre>
  def x():
      return 1
</pre><a href="https://x.example/y"><div>block</div></a><a href='rel'>next </a>end<BR/>line<script>"""
SAID = """T & x

# Head [one](https://example.org/l?a=1&b=2)

Some bold text <tag> 3 < 4 and 5<6.

- A
- B

k | v
1 | 2

  def x():
      return 1

[block](https://x.example/y)
[next](https://example.org/a/rel) end
line"""
MEGABYTE = 1_000_000
BOMBS = {
    "deep": "<div>",
    "formatting": "<b><i><font size=1><p>",
    "tables": "<table><b>",
    "lists": "<ul><li>",
    "comments": "<!--",
    "declarations": "<!",
    "tags": "<a ",
    "quotes": '<a b="',
    "equals": "<a =   ",
    "scripts": "<script",
    "ends": "</",
    "links": "<a href=x>",
    "linked": "<a href=x>b",
    "hrefs": "<a href href= ",
    "entities": "&ampx",
    "spaces": " ",
    "kept": "<pre> ",
    "lines": "\n",
}


def said(source: str, most_characters: int = 10_000) -> str:
    return readable(source, ADDRESS, most_characters).text


def test_a_page_becomes_text_with_headings_lists_and_links() -> None:
    assert readable(PAGE, ADDRESS, 10_000) == (SAID, True)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("a<br>b<br><br>c", "a\nb\n\nc"),
        ("<p>a</p>\n\n\n<p>b</p><div></div><div></div>c", "a\n\nb\n\nc"),
        ("a <b>b</b> c", "a b c"),
        ("a<script>x</script >b<SCRIPT>x</script>c", "abc"),
        ("a<svg><text>x</text></svg>b", "ab"),
        ("a<scripted>b", "ab"),
        ("a<!-- x", "a"),
        ("a<!-- x --!>b<!---->c<!-->d", "abcd"),
        ("a<b title='>'>b</b><b title=\">\">c", "abc"),
        ("a<b x", "a"),
        ("a < b <3 <", "a < b <3 <"),
        ("a<?php x ?>b<![CDATA[x]]>c", "abc"),
        ('<a href="javascript:x">a</a><a name=x>b</a><a href="">c</a>', "ab[c](https://example.org/a/b)"),
        ("<a href='//[x'>a</a>", "a"),
        ('<a href="#x"> a </a>b', "a b"),
        ("<a data-href=/x href=/y>a", "[a](https://example.org/y)"),
        ("<a href=/x></a>a", "a"),
        (f"<a href=/{'x' * 500}>a</a>", "a"),
        ("&nbsp;&eacute;&#233;&#x110000;&nonsense;", "éé\ufffd&nonsense;"),
    ],
)
def test_what_is_odd_is_read_as_far_as_it_goes(source: str, text: str) -> None:
    assert said(source) == text


def test_no_more_is_read_than_is_wanted() -> None:
    whole = readable("<p>abc</p>" * 3, ADDRESS, 13)
    assert whole == ("abc\n\nabc\n\nabc", True)
    assert readable("<p>abc</p>" * 3, ADDRESS, 12) == ("abc\n\nabc\n\nab", False)
    began = time.perf_counter()
    assert readable("<p>abc</p>" * 200_000, ADDRESS, 100).is_whole is False
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize("name", BOMBS)
def test_no_page_takes_longer_than_by_its_length(name: str) -> None:
    source = BOMBS[name] * (MEGABYTE // len(BOMBS[name]))
    began = time.perf_counter()
    said(source, MEGABYTE)
    assert time.perf_counter() - began < 5


@given(st.text(alphabet="<>/!-=\"' \nabprescript&;#x1", max_size=200), st.integers(1, 50))
def test_any_text_is_read(source: str, most_characters: int) -> None:
    assert len(said(source, most_characters)) <= most_characters


@given(st.text(alphabet=st.characters(exclude_characters="<&\0", exclude_categories=["Cs"]), max_size=100))
def test_text_without_markup_stays_but_for_spaces(source: str) -> None:
    assert said(source).split() == source.split()
