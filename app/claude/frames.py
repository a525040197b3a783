"""Server-sent events as bytes, told apart: a stream is cut at empty lines, wherever its chunks end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Frame = tuple[str | None, str]
NAME, DATA = b"event: ", b"\ndata: "


def split(chunks: Iterable[bytes]) -> Iterator[Frame]:
    """The name and the data of each event; one that has no data, or that no empty line ends, is none.

    Raises UnicodeDecodeError for what is no text.
    """
    rest = b""
    for chunk in chunks:
        whole, rest = _at_line_feeds(rest + chunk)
        *blocks, whole = whole.split(b"\n\n")
        rest = whole + rest
        for block in blocks:
            if frame := _frame(block):
                yield frame
    if frame := _last(rest):
        yield frame


def _at_line_feeds(text: bytes) -> tuple[bytes, bytes]:
    """The text with every line ended by a line feed, but for an end that may be half of a line's."""
    if b"\r" not in text:
        return text, b""
    whole, half = (text[:-1], b"\r") if text.endswith(b"\r") else (text, b"")
    return whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n"), half


def _last(rest: bytes) -> Frame | None:
    """The event that a lone \\r ended at the very end."""
    return _frame(rest[:-2]) if rest.endswith(b"\n\r") else None


def _frame(block: bytes) -> Frame | None:
    """One event. Nearly all are two lines, a name and its data, so these are looked for first."""
    head, _, data = block.partition(DATA)
    if data and head.startswith(NAME) and b"\n" not in head and b"\n" not in data:
        return head[len(NAME) :].decode() or None, data.decode()
    return _by_lines(block)


def _by_lines(block: bytes) -> Frame | None:
    name, pieces = b"", list[bytes]()
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value
        elif field == b"data":
            pieces.append(value)
    data = b"\n".join(pieces)
    return (name.decode() or None, data.decode()) if data else None
