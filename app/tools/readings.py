"""HTML as text to read: headings, lists, links and line breaks stay; scripts and markup go.

One pass that never looks back, so that no page, however broken, takes longer than by its length: parsers that
build a tree can be made to take minutes.
"""

from __future__ import annotations

import html
import re
import time
from typing import NamedTuple
from urllib.parse import urljoin

ATTRIBUTES = r"""(?:[^=>]++|=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))?+)*+"""
TOKEN = re.compile(
    rf"""<!--(?:-?>|.*?(?:--!?>|\Z))
    |<(?P<skipped>script|style|template|svg|math|iframe|object|canvas|select|datalist)(?=[\s/>])
        {ATTRIBUTES}(?:>|\Z).*?(?:</(?P=skipped)(?=[\s/>]){ATTRIBUTES}(?:>|\Z)|\Z)
    |<(?P<end>/?)(?P<name>[a-z][^\s/>]*+)(?P<attributes>{ATTRIBUTES})(?:>|\Z)
    |<[!?/][^>]*+(?:>|\Z)""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
HREF = re.compile(r"""(?:^|\s)href\s*+=\s*+("[^"]*+|'[^']*+|[^\s"'>]++)""", re.IGNORECASE)
BLOCK = re.compile(
    r"address|article|aside|blockquote|body|br|caption|center|d[dlt]|details|dialog|div|fieldset|figcaption|"
    r"figure|footer|form|h[1-6]|head|header|hr|legend|li|main|nav|[ou]l|option|p|pre|section|summary|table|"
    r"tbody|tfoot|thead|title|tr"
)
MARKS = {"li": "- ", **{f"h{level}": "#" * level + " " for level in range(1, 7)}}
CELLS, BETWEEN_CELLS = frozenset({"td", "th"}), " | "
MOST_OF_A_LINK = 500
SPACES = re.compile(r"\s+")
GAPS = re.compile(r"\n{3,}")
TOKENS_AT_ONCE = 1_000


class Reading(NamedTuple):
    """A text, or its beginning where it is not whole."""

    text: str
    is_whole: bool


def readable(source: str, address: str, most_characters: int) -> Reading:
    """What a page says; links lead where they lead from its address."""
    page, at = _Page(address), 0
    for number, token in enumerate(TOKEN.finditer(source)):
        page.text(source[at : token.start()])
        if page.size > most_characters:
            return page.read(most_characters)
        if token["name"]:
            page.tag(token["name"].lower(), bool(token["end"]), token["attributes"])
        at = token.end()
        if number % TOKENS_AT_ONCE == 0:
            time.sleep(0)  # whoever else is served by this process has a turn
    page.text(source[at:])
    return page.read(most_characters)


class _Page:
    """What has been read of a page; `size` is how many characters were said, line breaks apart."""

    def __init__(self, address: str) -> None:
        self.size = 0
        self._address = address
        self._parts: list[str] = []
        self._link: tuple[int, re.Match[str]] | None = None  # where its text begins, and its target
        self._is_kept = False  # whether spaces and lines stay as they are

    def text(self, raw: str) -> None:
        """What stands between two tags."""
        if not raw:
            return
        said = html.unescape(raw)
        if not self._is_kept:
            said = SPACES.sub(" ", said)
            said = said.lstrip() if self._is_at_start() else said
        self._say(said)

    def tag(self, name: str, is_end: bool, attributes: str) -> None:
        """A tag, of which few mean something here."""
        if name == "a":
            self._turn_link(None if is_end else HREF.search(attributes))
        elif BLOCK.fullmatch(name):
            self._is_kept = not is_end if name == "pre" else self._is_kept
            self._parts += ["\n"] if name in {"br", "tr", "li"} else ["\n", "\n"]
            self._say("" if is_end else MARKS.get(name, ""))
        elif name in CELLS and not is_end and not self._is_new_line():
            self._say(BETWEEN_CELLS)

    def read(self, most_characters: int) -> Reading:
        """So much of it, without what is blank at the ends of lines, and no two blank lines."""
        self._turn_link(None)
        lines = "\n".join(line.rstrip() for line in "".join(self._parts).split("\n"))
        text = GAPS.sub("\n\n", lines).strip("\n")
        return Reading(text[:most_characters], max(self.size, len(text)) <= most_characters)

    def _say(self, words: str) -> None:
        if words:
            self._parts.append(words)
            self.size += len(words)

    def _is_new_line(self) -> bool:
        return not self._parts or self._parts[-1].endswith("\n")

    def _is_at_start(self) -> bool:
        return not self._parts or self._parts[-1][-1:].isspace()

    def _turn_link(self, href: re.Match[str] | None) -> None:
        """End the link that is open; begin another where there is a target."""
        if self._link:
            start, before = self._link
            said = "".join(self._parts[start:])
            words = " ".join(said.split())
            tail = "\n" if "\n" in said else " " if said[-1:].isspace() else ""
            target = self._target(before[1].lstrip("\"'")) if words else ""
            del self._parts[start:]
            self._say((f"[{words}]({target})" if target else words) + tail)
        self._link = (len(self._parts), href) if href else None

    def _target(self, raw: str) -> str:
        """Where it leads, if that is another page and not too long."""
        if raw.startswith("#"):
            return ""
        try:
            target = urljoin(self._address, html.unescape(raw).strip())
        except ValueError:
            return ""
        return target if target.startswith(("http://", "https://")) and len(target) <= MOST_OF_A_LINK else ""
