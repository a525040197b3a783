"""HTTP's chunked coding, taken apart as it comes: pure, and strict."""

from __future__ import annotations

import re

LONGEST_LINE = 4_096
END_OF_LINE = b"\r\n"
SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}(?=[ \t]*(?:;|$))")


class Garbled(Exception):
    """What came is no HTTP, or ended in the middle of it."""


class Chunks:
    """The chunks of one body. It `is_over` after the last one; what came after that is `rest`."""

    def __init__(self) -> None:
        self.is_over = False
        self.rest = b""
        self._left = 0  # bytes of the chunk at hand that are still to come, its end of line included
        self._is_last = False

    def take(self, fresh: bytes) -> bytes:
        """What the chunks hold, as far as they have come; raises Garbled."""
        raw, at, pieces = self.rest + fresh, 0, list[bytes]()
        while not self.is_over:
            if self._left > len(END_OF_LINE):
                piece = raw[at : at + self._left - len(END_OF_LINE)]
                pieces.append(piece)
                step = len(piece)
                self._left -= step
            else:
                step = self._step_over_line(raw, at)
            if not step:
                break
            at += step
        self.rest = raw[at:]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _step_over_line(self, raw: bytes, at: int) -> int:
        """How long the line is that begins here, its end included; 0 while it has none."""
        end = raw.find(END_OF_LINE, at)
        if end < 0:
            if len(raw) - at > LONGEST_LINE:
                raise Garbled("a line between chunks has no end")
            return 0
        if self._left:
            if end != at:
                raise Garbled("a chunk is longer than it says")
            self._left = 0
        elif self._is_last:
            self.is_over = end == at
        else:
            self._begin(raw[at:end])
        return end - at + len(END_OF_LINE)

    def _begin(self, line: bytes) -> None:
        found = SIZE.match(line)
        if found is None:
            raise Garbled("a chunk does not say how long it is")
        size = int(found[0], 16)
        self._is_last = size == 0
        self._left = size + len(END_OF_LINE) if size else 0
