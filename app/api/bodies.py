"""Reading a JSON body: what is not JSON, too deep, or holds what no database keeps is refused in words."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from flask import Request

from app.errors import Fault, Invalid, MalformedJson, NotJson

DEEPEST = 100
NO_NUMBER = "no number"


def json_object(request: Request, *, may_be_missing: bool) -> dict[str, Any]:
    """The body as a dict; where it may be missing, no body is an empty one."""
    raw = request.get_data(cache=False)
    if not raw and not request.mimetype and may_be_missing:
        return {}
    if request.mimetype != "application/json" and not request.mimetype.endswith("+json"):
        raise NotJson("Send JSON, with Content-Type: application/json.")
    body = _parsed(raw)
    if not isinstance(body, dict):
        raise Invalid("The body must be a JSON object.", faults=[Fault("/", "Must be an object.")])
    faults = list(_unkeepable(body, "", 0))
    if faults:
        raise Invalid("The body holds what cannot be kept.", faults=faults)
    return body


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise MalformedJson(f"The body is not valid JSON: {_reason(error)}.") from None


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return "NaN and Infinity are no numbers" if str(error) == NO_NUMBER else "a number in it is too long"


def _refuse(_constant: str) -> NoReturn:
    raise ValueError(NO_NUMBER)


def _unkeepable(value: Any, at: str, depth: int) -> Iterator[Fault]:
    if depth > DEEPEST:
        yield Fault(at, f"Nested deeper than {DEEPEST} levels.")
        return
    if isinstance(value, str) and not is_keepable(value):
        yield Fault(at or "/", "Holds half a surrogate pair, which is not text.")
    if isinstance(value, float) and not math.isfinite(value):
        yield Fault(at, "The number is too large.")
    for name, inner in _inside(value):
        yield from _unkeepable(inner, at + step(name), depth + 1)


def step(name: Any) -> str:
    """One step of a JSON pointer (RFC 6901)."""
    text = str(name).encode(errors="replace").decode()
    return "/" + text.replace("~", "~0").replace("/", "~1")


def _inside(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, dict):
        return [*value.items(), *((name, name) for name in value)]
    return enumerate(value) if isinstance(value, list) else ()


def is_keepable(text: str) -> bool:
    """Whether every character is text: UTF-8 has no half surrogates."""
    return text.isascii() or text.encode(errors="replace").decode() == text
