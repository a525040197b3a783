"""One line a request, JSON or text. Every line passes the redactor, tracebacks included."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

from pythonjsonlogger.json import JsonFormatter

from app.telemetry import redaction, tracing
from app.telemetry.redaction import Redactor

ROOT = "colloquy"
TEXT = "%(asctime)s %(levelname)s %(message)s"
ONE_LINE = str.maketrans({"\n": "\\n", "\r": "\\r"})
FIELDS = (
    "request_id",
    "method",
    "route",
    "status",
    "ms",
    "user_id",
    "session_id",
    "input_tokens",
    "output_tokens",
)


class Redacted(logging.Formatter):
    """A formatter that says which request a line is of, and masks secrets, also the caller's key."""

    def __init__(self, inner: logging.Formatter, redactor: Redactor) -> None:
        super().__init__()
        self._inner = inner
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        origin = tracing.origin()
        for name, value in origin.fields.items() if origin else ():
            record.__dict__.setdefault(name, value)
        line, caller = self._redactor(self._inner.format(record)), redaction.at_work()
        return caller.known(line) if caller else line


class Text(logging.Formatter):
    """A line for people: the message, then the fields that were set."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        fields = {name: getattr(record, name) for name in FIELDS if getattr(record, name, None) is not None}
        shown = (f"{name}={str(value).translate(ONE_LINE)}" for name, value in fields.items())
        return " ".join([line, *shown])


def formatter(log_format: str, stream: TextIO) -> logging.Formatter:
    """JSON or text as asked; where nothing was asked, text on a terminal and JSON elsewhere."""
    if log_format == "text" or (not log_format and stream.isatty()):
        return Text(TEXT)
    return JsonFormatter(
        "%(asctime)s %(levelname)s %(name)s %(message)s",
        rename_fields={"asctime": "at", "levelname": "level", "name": "logger"},
    )


def configure(log_format: str, level: str, redactor: Redactor, stream: TextIO | None = None) -> None:
    """Send the server's log lines to standard error, once however often it is called."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Redacted(formatter(log_format, stream), redactor))
    if logging.lastResort:  # what libraries have to say
        logging.lastResort.setFormatter(handler.formatter)
    root = logging.getLogger(ROOT)
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    root.propagate = False


def logger(room: str) -> logging.Logger:
    """The logger of one room: `colloquy.turns`."""
    return logging.getLogger(f"{ROOT}.{room}")
