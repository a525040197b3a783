"""A secret value in every encoding in which it may turn up, and whether it can be masked at all."""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

SHORTEST = 8
LONGEST_WORD = 15
KINDS = (r"[^\W\d_]", r"\d", r"[\W_]")
JAVASCRIPT_SAFE = "!'()*"  # what encodeURIComponent leaves as it is
PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")  # the same however text is escaped
URL_SAFE = str.maketrans("+/", "-_")
HTML_SAFE_JSON = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&'"}


def is_maskable(value: str) -> bool:
    """Whether masking the value wherever it stands spares ordinary text: short values and words do not."""
    kinds = sum(bool(re.search(kind, value)) for kind in KINDS)
    return len(value) >= SHORTEST and (kinds > 1 or len(value) > LONGEST_WORD)


def encodings(value: str) -> frozenset[str]:
    """The value as it is, in base64, hex, percent-encoded, and escaped for JSON, Python and HTML."""
    raw = value.encode("utf-8", "surrogatepass")
    found = {value, raw.hex(), raw.hex().upper(), *_base64(raw), *_in_full(value, raw)}
    if not PLAIN.fullmatch(value):
        found.update(*(_percent(raw), _escaped(value), _html(value)))
    return frozenset(one for one in found if len(one) >= SHORTEST)


def _base64(raw: bytes) -> Iterator[str]:
    """The characters that depend on the value alone, whatever stands before and after it."""
    for lead in range(3):
        first, end = -(-8 * lead // 6), 8 * (lead + len(raw)) // 6
        core = b64encode(bytes(lead) + raw).decode()[first:end]
        yield core
        yield core.translate(URL_SAFE)


def _in_full(value: str, raw: bytes) -> Iterator[str]:
    """With every character escaped."""
    bytes_, units = "%" + raw.hex("%"), "%" + value.encode("utf-16-be", "surrogatepass").hex("%", 2)
    for one in (bytes_, bytes_.upper()):
        yield one
        yield one.replace("%", "\\x")
    yield units.replace("%", "\\u")
    yield units.upper().replace("%", "\\u")
    for shape in ("&#{};", "&#x{:x};", "&#x{:X};"):
        yield "".join(map(shape.format, map(ord, value)))


def _percent(raw: bytes) -> Iterator[str]:
    for one in (quote(raw, safe=""), quote(raw), quote(raw, safe=JAVASCRIPT_SAFE), quote_plus(raw)):
        yield one
        yield re.sub("%..", lambda found: found[0].lower(), one)


def _escaped(value: str) -> Iterator[str]:
    """For JSON and Python, also where such a text is put into JSON once more."""
    plain = {repr(value)[1:-1], *_json(value)}
    yield from plain
    for one in plain:
        yield from _json(one)


def _json(value: str) -> Iterator[str]:
    for is_ascii in (True, False):
        text = json.dumps(value, ensure_ascii=is_ascii)[1:-1]
        yield text
        yield text.replace("/", "\\/")
        yield text.translate(HTML_SAFE_JSON)


def _html(value: str) -> Iterator[str]:
    yield html.escape(value)
    yield html.escape(value).replace("&#x27;", "&#39;")
    yield html.escape(value, quote=False)
