"""What a message may ask of the simulator, in the last text block of the newest user message.

    [[fault: status=529 retry_after=1]]        that status, at once
    [[fault: cut after=5]]                     the connection is closed after 5 events; 0: before any answer
    [[fault: silence after=5 seconds=30]]      nothing for so long; 0: before the headers
    [[fault: no_stop]]                         a clean end without message_stop; `after` n: after n events
    [[fault: error after=3 type=api_error]]    an error event, and the end
    [[fault: garbage after=2]]                 an event that isn't JSON

`times=2` in a fault: only for the first two of requests that are the same.

    [[reply: words=200]]   [[reply: seconds_per_event=0.2]]   [[reply: stop_reason=refusal]]
    [[reply: text=all up to the end]]   [[reply: thinking=all up to the end]]
    [[reply: tool=NAME input={"a": 1}]]        uses that tool, where the request declares it
    [[reply: rounds=3]]                        what is wished holds for three requests, tools' results between
    [[reply: web_searches=2]]                  the usage says that the server searched so often
    [[reply: speed=fast]]                      the usage says that speed, whatever the request asked for
    [[reply: split=no]]                        the usage doesn't tell cache writes of 5m from those of 1h
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.claude.simulator.errors import TYPES, Refused


@dataclass(frozen=True, slots=True)
class Fault:
    """`after` counts events; `kind` is `status`, `cut`, `silence`, `no_stop`, `error` or `garbage`."""

    kind: str
    after: int | None = None
    times: int | None = None
    status: int = 500
    retry_after: str | None = None
    seconds: float = 30.0
    type: str = "overloaded_error"


@dataclass(frozen=True, slots=True)
class ToolWish:
    name: str
    input: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bill:
    """What the usage says besides tokens, and whether it tells cache writes of 5m from those of 1h."""

    speed: str | None = None
    web_searches: int | None = None
    has_split: bool = True


@dataclass(frozen=True, slots=True)
class Wish:
    """What the reply should be like."""

    words: int | None = None
    seconds_per_event: float | None = None
    text: str | None = None
    thinking: str | None = None
    stop_reason: str | None = None
    tools: tuple[ToolWish, ...] = ()
    speed: str | None = None
    web_searches: int | None = None
    split: bool = True
    rounds: int = 1

    def bill_for(self, request: Mapping[str, Any]) -> Bill:
        return Bill(self.speed or request.get("speed"), self.web_searches, self.split)


@dataclass(frozen=True, slots=True)
class Directives:
    faults: tuple[Fault, ...] = ()
    wish: Wish = Wish()


# An end inside nested JSON lists is followed by more JSON, or by another bracket.
_DIRECTIVE = re.compile(r"\[\[(fault|reply):\s*(.*?)\s*\]\](?![\]},])", re.DOTALL)
_FIELD = re.compile(r"""([a-z_]+)(?:=(\{.*\}|"(?:\\.|[^"\\])*"|\S+))?""", re.DOTALL)
_TO_THE_END = re.compile(r"(text|thinking)=(.*)", re.DOTALL)

_FAULT_VALUES: dict[str, Callable[[str], object]] = {
    "after": int,
    "times": int,
    "status": int,
    "retry_after": str,
    "seconds": float,
    "type": str,
}
_KINDS = frozenset({"cut", "silence", "no_stop", "error", "garbage"})
_WISH_VALUES: dict[str, Callable[[str], object]] = {
    "words": int,
    "rounds": int,
    "seconds_per_event": float,
    "text": str,
    "thinking": str,
    "stop_reason": str,
    "speed": str,
    "web_searches": int,
    "split": {"yes": True, "no": False}.__getitem__,
}


def parse(text: str) -> Directives:
    found = Directives()
    for match in _DIRECTIVE.finditer(text):
        try:
            found = _with(found, match[1], match[2])
        except (ValueError, TypeError, KeyError) as wrong:
            raise Refused(400, f"The simulator does not understand {match[0]} ({wrong})") from wrong
    return found


def without(text: str) -> str:
    """The text as it would be without directives."""
    return _DIRECTIVE.sub("", text).strip()


def _with(found: Directives, kind: str, body: str) -> Directives:
    if kind == "fault":
        return replace(found, faults=(*found.faults, _fault(dict(_FIELD.findall(body)))))
    to_the_end = _TO_THE_END.fullmatch(body)
    fields = {to_the_end[1]: to_the_end[2]} if to_the_end else dict(_FIELD.findall(body))
    return replace(found, wish=_wish(found.wish, fields))


def _fault(fields: dict[str, str]) -> Fault:
    kind = next((name for name, value in fields.items() if not value), "status")
    fields.pop(kind if kind in _KINDS else "", None)
    fault = Fault(kind, **{name: _FAULT_VALUES[name](value) for name, value in fields.items()})  # type: ignore[arg-type]
    if kind not in _KINDS and "status" not in fields:
        raise ValueError("no such fault")
    if fault.type not in TYPES.values():
        raise ValueError("no such type of error")
    return fault


def _wish(wish: Wish, fields: dict[str, str]) -> Wish:
    if tool := fields.pop("tool", None):
        asked = ToolWish(tool, json.loads(fields.pop("input", "{}")))
        wish = replace(wish, tools=(*wish.tools, asked))
    return replace(wish, **{name: _WISH_VALUES[name](value) for name, value in fields.items()})  # type: ignore[arg-type]
