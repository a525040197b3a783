"""Tool definitions, and the choice among them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from app.claude.rules.blocks import CACHE_CONTROL
from app.claude.rules.models import Model
from app.claude.rules.shapes import (
    anything,
    boolean,
    list_of,
    mapping,
    matching,
    nullable,
    one_of,
    record,
    tagged,
    text,
    unknown_tag,
)
from app.claude.rules.violations import Violation

ANTHROPIC_TOOLS = frozenset(
    {
        "bash_20250124",
        "browser_toolset_20260801",
        "code_execution_20250522",
        "code_execution_20250825",
        "code_execution_20260120",
        "code_execution_20260521",
        "computer_toolset_20260801",
        "memory_20250818",
        "text_editor_20250124",
        "text_editor_20250429",
        "text_editor_20250728",
        "tool_search_tool_bm25",
        "tool_search_tool_bm25_20251119",
        "tool_search_tool_regex",
        "tool_search_tool_regex_20251119",
        "web_fetch_20250910",
        "web_fetch_20260209",
        "web_fetch_20260309",
        "web_fetch_20260318",
        "web_search_20250305",
        "web_search_20260209",
        "web_search_20260318",
    }
)
_COMBINATIONS = ("oneOf", "allOf", "anyOf")


def _input_schema(path: str, value: Any) -> Iterator[Violation]:
    if not isinstance(value, dict):
        yield from mapping(path, value)
        return
    if "type" not in value:
        yield Violation(f"{path}.type", "Field required")
    elif value["type"] != "object":
        yield Violation(f"{path}.type", "Input should be 'object'")
    if any(name in value for name in _COMBINATIONS):
        yield Violation(path, "input_schema does not support oneOf, allOf, or anyOf at the top level")


_CUSTOM = record(
    {"name": matching(r"[a-zA-Z0-9_-]{1,128}"), "input_schema": _input_schema},
    {
        "type": nullable(one_of("custom")),
        "description": text,
        "cache_control": CACHE_CONTROL,
        "strict": boolean,
        "defer_loading": boolean,
        "eager_input_streaming": nullable(boolean),
        "allowed_callers": list_of(text),
        "input_examples": list_of(mapping),
    },
)


def tool(path: str, value: Any) -> Iterator[Violation]:
    """A tool of the caller's own is looked at closely; of Anthropic's own only the type."""
    kind = value.get("type") if isinstance(value, dict) else None
    if kind is None or kind == "custom":
        yield from _CUSTOM(path, value)
    elif not isinstance(kind, str) or kind not in ANTHROPIC_TOOLS:
        yield Violation(path, unknown_tag(str(kind), ["custom", *sorted(ANTHROPIC_TOOLS)]))


_PARALLEL = {"disable_parallel_tool_use": boolean}
CHOICE = tagged(
    {
        "auto": record({"type": anything}, _PARALLEL),
        "any": record({"type": anything}, _PARALLEL),
        "tool": record({"type": anything, "name": text}, _PARALLEL),
        "none": record({"type": anything}, {}),
    }
)


def violations(request: Mapping[str, Any], model: Model | None) -> Iterator[Violation]:
    names = Counter(str(each.get("name", each.get("type"))) for each in request.get("tools") or ())
    if any(count > 1 for count in names.values()):
        yield Violation("tools", "Tool names must be unique.")
    if choice := request.get("tool_choice"):
        yield from _choice(choice, set(names), request, model)


def _choice(
    choice: Mapping[str, Any], names: set[str], request: Mapping[str, Any], model: Model | None
) -> Iterator[Violation]:
    is_forced = choice["type"] in ("any", "tool")
    if choice["type"] != "none" and not request.get("tools"):
        yield Violation("tool_choice", "tool_choice may only be specified while providing tools.")
    elif choice["type"] == "tool" and choice["name"] not in names:
        yield Violation("tool_choice", f"Tool '{choice['name']}' not found in provided tools")
    if is_forced and model and not model.takes_forced_tools:
        yield Violation("tool_choice", "tool_choice that forces tool use is not supported for this model.")
    elif is_forced and request.get("thinking", {}).get("type") == "enabled":
        yield Violation("", "Thinking may not be enabled when tool_choice forces tool use.")
