"""The top level of a Messages request: its fields, and what depends on the model."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from app.claude.rules import caching, conversations, models, tools
from app.claude.rules.blocks import CACHE_CONTROL, CONTENT, SYSTEM
from app.claude.rules.models import Model
from app.claude.rules.shapes import (
    Check,
    anything,
    boolean,
    filled_text,
    integer,
    list_of,
    mapping,
    nullable,
    one_of,
    record,
    tagged,
    text,
    text_or,
)
from app.claude.rules.violations import Violation

LEAST_BUDGET_TOKENS = 1_024
MOST_MESSAGES = 100_000
MOST_USER_ID_CHARACTERS = 256
_MAIL_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def _stop_sequence(path: str, value: Any) -> Iterator[Violation]:
    if not isinstance(value, str):
        yield from text(path, value)
    elif not value.strip():
        yield Violation(path, "each stop sequence must contain non-whitespace")


def _user_id(path: str, value: Any) -> Iterator[Violation]:
    if not isinstance(value, str):
        yield from text(path, value)
    elif len(value) > MOST_USER_ID_CHARACTERS:
        yield Violation(path, f"String should have at most {MOST_USER_ID_CHARACTERS} characters")
    elif _MAIL_ADDRESS.fullmatch(value):
        yield Violation(path, "user_id appears to contain an email address")


_DISPLAY: dict[str, Check] = {"display": nullable(one_of("summarized", "omitted"))}
_THINKING = tagged(
    {
        "adaptive": record({"type": anything}, _DISPLAY),
        "enabled": record({"type": anything, "budget_tokens": integer(LEAST_BUDGET_TOKENS)}, _DISPLAY),
        "disabled": record({"type": anything}, {}),
        "between_tools": record({"type": anything}, {}),
    }
)
_OUTPUT_CONFIG = record(
    {},
    {
        "effort": nullable(one_of("low", "medium", "high", "xhigh", "max")),
        "format": nullable(record({"type": one_of("json_schema"), "schema": mapping}, {})),
    },
)
_MESSAGE = record({"role": one_of("user", "assistant", "system"), "content": CONTENT}, {})

_COUNTED: dict[str, Check] = {
    "cache_control": CACHE_CONTROL,
    "output_config": _OUTPUT_CONFIG,
    "speed": nullable(one_of("standard", "fast")),
    "system": SYSTEM,
    "thinking": _THINKING,
    "tool_choice": tools.CHOICE,
    "tools": list_of(tools.tool),
}
_ANSWERED: dict[str, Check] = {
    **_COUNTED,
    "container": nullable(text_or(record({}, {"id": nullable(text), "skills": nullable(list_of(mapping))}))),
    "diagnostics": nullable(record({}, {"previous_message_id": nullable(text)})),
    "inference_geo": nullable(text),
    "metadata": record({}, {"user_id": nullable(_user_id)}),
    "service_tier": one_of("auto", "standard_only"),
    "stop_sequences": list_of(_stop_sequence),
    "stream": boolean,
}
_REQUIRED: dict[str, Check] = {"model": text, "messages": list_of(_MESSAGE)}

ASKING = record({**_REQUIRED, "max_tokens": integer(0)}, _ANSWERED)
COUNTING = record(_REQUIRED, _COUNTED)


def violations(shape: Check, request: Mapping[str, Any]) -> list[Violation]:
    return list(shape("", dict(request))) or list(_meaning(request))


def _meaning(request: Mapping[str, Any]) -> Iterator[Violation]:
    model = models.find(request["model"])
    if isinstance(request.get("system"), str):
        yield from filled_text("system", request["system"])
    if len(request["messages"]) > MOST_MESSAGES:
        yield Violation("messages", f"List should have at most {MOST_MESSAGES} items")
    yield from _sizes(request, model)
    yield from _thinking(request, model)
    yield from tools.violations(request, model)
    yield from caching.violations(request)
    yield from conversations.violations(request, model)


def _sizes(request: Mapping[str, Any], model: Model | None) -> Iterator[Violation]:
    asked = request.get("max_tokens", 0)
    if model and asked > model.output_tokens:
        limit = f"which is the maximum allowed number of output tokens for {model.id}"
        yield Violation("max_tokens", f"{asked} > {model.output_tokens}, {limit}")


def _thinking(request: Mapping[str, Any], model: Model | None) -> Iterator[Violation]:
    thinking = request.get("thinking", {})
    if model and thinking and thinking["type"] not in model.thinking_types:
        yield Violation("", f'"thinking.type.{thinking["type"]}" is not supported for this model.')
    elif "max_tokens" in request and request["max_tokens"] <= thinking.get("budget_tokens", -1):
        yield Violation("", "`max_tokens` must be greater than `thinking.budget_tokens`.")
    effort = (request.get("output_config") or {}).get("effort")
    if effort and model and not model.takes_effort:
        yield Violation("", "This model does not support the effort parameter.")
