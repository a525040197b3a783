"""The body of an answer as text: unpacked within a limit, only where it is text, decoded as it says it is."""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Iterable, Iterator
from http.client import HTTPResponse

from app.tools.connections import Clock
from app.tools.readings import Reading, readable
from app.tools.values import ToolFailed

PIECE_BYTES = 65_536
MOST_OF_A_TYPE = 100
GZIP_OR_ZLIB = 47  # zlib's word for "whichever it is"
HTML = frozenset({"text/html", "application/xhtml+xml"})
TEXT = re.compile(
    r"text/.+|application/(x-)?(json|ndjson|xml|javascript|ecmascript|yaml|toml|sql|tex|sh)|.+\+(json|xml|yaml)"
)
LOOKS_LIKE_HTML = re.compile(r"\s*+<(!doctype html|html|head|body)\b", re.IGNORECASE)
DECLARED_WITHIN_BYTES = 1_024
DECLARED = re.compile(
    rb"""(?:<meta[^>]*?[\s;]charset|^<\?xml[^>]*?\sencoding)\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE
)
MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# What the web knows; Python has others, such as punycode, that take very long.
CHARSETS = re.compile(
    r"utf-(8|16(-[bl]e)?)|cp\d+|iso8859-\d+|koi8-[ru]|mac-\w+|(shift_jis|euc_|gb|big5|iso2022_)\w*|hz|tis-620"
)
WINDOWS, LATIN = "cp1252", frozenset({"ascii", "iso8859-1"})  # on the web, Latin means Windows' own


def check_type(answer: HTTPResponse) -> None:
    """Raises ToolFailed where it says that it is something else than text; it is not read then."""
    kind = kind_of(answer)
    if kind and not TEXT.fullmatch(kind):
        size = f"{answer.length:,} bytes" if answer.length is not None else "of unknown size"
        raise ToolFailed(f"It is {kind}, {size}: only text, HTML, JSON, XML and the like can be read.")


def kind_of(answer: HTTPResponse) -> str:
    """Its type, such as `text/html`; empty where it doesn't say."""
    return answer.headers.get_content_type()[:MOST_OF_A_TYPE] if "Content-Type" in answer.headers else ""


def read(answer: HTTPResponse, most_bytes: int, clock: Clock) -> bytes:
    """All of it, unpacked; raises ToolFailed where it is too large, too slow, or not whole."""
    if (answer.length or 0) > most_bytes:
        raise _too_large(most_bytes)
    packing, pieces = str(answer.headers.get("Content-Encoding", "")).strip().lower(), _pieces(answer, clock)
    if packing in {"gzip", "x-gzip", "deflate"}:
        pieces = _unpacked(pieces, most_bytes)
    elif packing not in {"", "identity"}:
        raise ToolFailed(f"It is packed as {packing[:50]!r}, which was not asked for: try another address.")
    return _joined(pieces, most_bytes)


def text_of(answer: HTTPResponse, body: bytes, address: str, most_characters: int) -> Reading:
    """What it says, HTML made readable; raises ToolFailed where it is no text after all."""
    kind = kind_of(answer)
    text = _decoded(body, answer.headers.get_content_charset() or "", is_marked_up=not kind or "ml" in kind)
    if "\0" in text or (not kind and "\ufffd" in text):
        raise ToolFailed(
            f"It is no text, {len(body):,} bytes: only text, HTML, JSON, XML and the like can be read."
        )
    if kind in HTML or (not kind and LOOKS_LIKE_HTML.match(text)):
        return readable(text, address, most_characters)
    return Reading(text[:most_characters], len(text) <= most_characters)


def _joined(pieces: Iterable[bytes], most_bytes: int) -> bytes:
    found = bytearray()
    for piece in pieces:
        found += piece
        if len(found) > most_bytes:
            raise _too_large(most_bytes)
    return bytes(found)


def _pieces(answer: HTTPResponse, clock: Clock) -> Iterator[bytes]:
    while piece := answer.read1(PIECE_BYTES):
        clock.check()
        yield piece
    clock.check()  # a connection that was shut down looks as if it had come to its end
    if answer.length:
        raise ToolFailed("It broke off before its end: try again.")


def _unpacked(pieces: Iterable[bytes], most_bytes: int) -> Iterator[bytes]:
    """No more than one byte beyond the limit, however much would come of it."""
    unpacking, room = zlib.decompressobj(GZIP_OR_ZLIB), most_bytes + 1
    for packed in pieces:
        try:
            piece = unpacking.decompress(packed, room)
        except zlib.error:
            raise ToolFailed("It is not packed as it says: try another address.") from None
        room -= len(piece)
        yield piece
        if not room:
            raise _too_large(most_bytes)
    if not unpacking.eof:
        raise ToolFailed("It broke off before its end: try again.")


def _decoded(body: bytes, named: str, *, is_marked_up: bool) -> str:
    """As its first bytes say, or its header, or its markup; else UTF-8, or Windows' own where it isn't."""
    for mark, marked in MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(marked, "replace")
    declared = DECLARED.search(body[:DECLARED_WITHIN_BYTES]) if is_marked_up else None
    charset = _known(named) or _known(declared[1].decode("ascii", "replace") if declared else "")
    if charset:
        return body.decode(charset, "replace")
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode(WINDOWS, "replace")


def _known(named: str) -> str | None:
    try:
        name = codecs.lookup(named).name
    except (LookupError, ValueError):
        return None
    if name in LATIN:
        return WINDOWS
    return name if CHARSETS.fullmatch(name) else None


def _too_large(most_bytes: int) -> ToolFailed:
    return ToolFailed(
        f"It is larger than {most_bytes:,} bytes: fetch a part of it, "
        "or ask the operator to raise COLLOQUY_FETCH_BYTES."
    )
