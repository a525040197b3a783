"""The models the simulator has, as `/v1/models` shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.claude.rules.models import MODELS, Model, find
from app.claude.simulator.errors import Refused

MOST_A_PAGE = 1_000
_SHOWN_UNASKED = ("active", "deprecated")
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_THINKING_TYPES = ("adaptive", "between_tools", "disabled", "enabled")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Which page: after one id, or before another."""

    limit: int = 20
    after_id: str = ""
    before_id: str = ""
    lifecycles: Sequence[str] = _SHOWN_UNASKED


def get(model_id: object) -> Model:
    if model := find(model_id):
        return model
    raise Refused(404, f"model: {model_id}")


def page(cursor: Cursor) -> dict[str, Any]:
    if not 1 <= cursor.limit <= MOST_A_PAGE:
        raise Refused(400, f"limit: Input should be between 1 and {MOST_A_PAGE}")
    shown = [model for model in MODELS if _lifecycle(model) in cursor.lifecycles]
    ids = [model.id for model in shown]
    if cursor.before_id:
        end = _index(ids, cursor.before_id)
        start = max(end - cursor.limit, 0)
        return _page(shown[start:end], has_more=start > 0)
    start = _index(ids, cursor.after_id) + 1 if cursor.after_id else 0
    return _page(shown[start : start + cursor.limit], has_more=start + cursor.limit < len(shown))


def _index(ids: list[str], model_id: str) -> int:
    if model_id not in ids:
        raise Refused(400, f"cursor: no model {model_id}")
    return ids.index(model_id)


def _page(models: Sequence[Model], *, has_more: bool) -> dict[str, Any]:
    listed = [entry(model) for model in models]
    ends = {"first_id": listed[0]["id"], "last_id": listed[-1]["id"]} if listed else {}
    return {"data": listed, "has_more": has_more, "first_id": None, "last_id": None, **ends}


def entry(model: Model) -> dict[str, Any]:
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.display_name,
        "line": model.line,
        "created_at": _moment(model.created_at),
        "lifecycle": _lifecycle(model),
        "deprecated_at": None,
        "retires_at": _moment(model.retires_at) if model.retires_at else None,
        "max_input_tokens": model.window_tokens,
        "max_tokens": model.output_tokens,
        "capabilities": _capabilities(model),
    }


def _lifecycle(model: Model) -> str:
    return "deprecated" if model.retires_at else "active"


def _moment(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


def _capabilities(model: Model) -> dict[str, Any]:
    thinking = {name: _supported(name in model.thinking_types) for name in _THINKING_TYPES}
    efforts = {name: _supported(model.takes_effort) for name in _EFFORTS}
    return {
        "batch": _supported(False),
        "citations": _supported(False),
        "code_execution": _supported(False),
        "context_management": _supported(False),
        "effort": {**_supported(model.takes_effort), **efforts},
        "image_input": _supported(True),
        "pdf_input": _supported(True),
        "server_tools": {
            **_supported(False),
            "code_execution": _supported(False),
            "web_search": _supported(False),
        },
        "structured_outputs": _supported(False),
        "thinking": {**_supported(True), "types": thinking},
    }


def _supported(value: bool) -> dict[str, bool]:
    return {"supported": value}
