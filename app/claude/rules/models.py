"""Facts about each model that its requests are judged by: sizes, and what it takes and refuses. Pure data."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

MILLION = 1_000_000
RELEASE_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Model:
    """`window_tokens` is the prompt's limit, `output_tokens` the greatest `max_tokens`.

    `is_bound`: it thinks unasked, and its thinking is signed over everything before.
    `is_dense`: it makes about 30 % more tokens of the same text (opus-4-7 and later)."""

    id: str
    display_name: str
    line: str | None
    window_tokens: int = MILLION
    output_tokens: int = 128_000
    cache_minimum_tokens: int = 512
    thinking_types: frozenset[str] = frozenset({"adaptive", "disabled"})
    takes_prefill: bool = False
    takes_forced_tools: bool = True
    takes_system_messages: bool = True
    takes_effort: bool = True
    is_bound: bool = False
    is_dense: bool = True
    created_at: datetime = RELEASE_UNKNOWN
    retires_at: datetime | None = None


def _of(id: str, **facts: object) -> Model:
    line = id.split("-")[1]
    version = ".".join(part for part in id.split("-")[2:] if len(part) < 8)
    named = Model(id, f"Claude {line.capitalize()} {version}", line)
    return replace(named, **facts)  # type: ignore[arg-type]


_ADAPTIVE = frozenset({"adaptive"})
_BUDGETED = frozenset({"enabled", "disabled"})
_FAMILY_4_5 = {
    "window_tokens": 200_000,
    "output_tokens": 64_000,
    "thinking_types": _BUDGETED,
    "takes_prefill": True,
    "takes_system_messages": False,
    "is_dense": False,
}
_HAIKU_4_5 = {**_FAMILY_4_5, "cache_minimum_tokens": 4_096, "takes_effort": False}
_OPUS_4_5 = {**_FAMILY_4_5, "cache_minimum_tokens": 4_096}
_SONNET_4_5 = {
    **_FAMILY_4_5,
    "cache_minimum_tokens": 1_024,
    "takes_effort": False,
    "retires_at": datetime(2026, 11, 30, tzinfo=UTC),
}
_FAMILY_4_6 = {"thinking_types": _BUDGETED | _ADAPTIVE, "takes_system_messages": False, "is_dense": False}

MODELS = (
    _of("claude-fable-5-2", thinking_types=_ADAPTIVE, takes_forced_tools=False, is_bound=True),
    _of("claude-haiku-5-5", is_bound=True),
    _of(
        "claude-sonnet-5-5",
        thinking_types=_ADAPTIVE | {"between_tools"},
        takes_forced_tools=False,
        is_bound=True,
        created_at=datetime(2026, 9, 28, tzinfo=UTC),
    ),
    _of(
        "claude-opus-5-5",
        thinking_types=_ADAPTIVE,
        takes_forced_tools=False,
        is_bound=True,
        created_at=datetime(2026, 9, 22, tzinfo=UTC),
    ),
    _of("claude-fable-5-1", thinking_types=_ADAPTIVE, takes_forced_tools=False, is_bound=True),
    _of(
        "claude-opus-5",
        thinking_types=_BUDGETED | _ADAPTIVE,
        created_at=datetime(2026, 7, 24, tzinfo=UTC),
    ),
    _of("claude-sonnet-5", cache_minimum_tokens=1_024),
    _of("claude-fable-5", thinking_types=_ADAPTIVE),
    _of("claude-opus-4-8", cache_minimum_tokens=1_024, created_at=datetime(2026, 5, 28, tzinfo=UTC)),
    _of("claude-opus-4-7", cache_minimum_tokens=2_048, takes_system_messages=False),
    _of("claude-opus-4-6", cache_minimum_tokens=4_096, **_FAMILY_4_6),
    _of("claude-sonnet-4-6", cache_minimum_tokens=1_024, output_tokens=64_000, **_FAMILY_4_6),
    _of("claude-opus-4-5", **_OPUS_4_5),
    _of("claude-opus-4-5-20251101", **_OPUS_4_5),
    _of("claude-haiku-4-5", **_HAIKU_4_5),
    _of("claude-haiku-4-5-20251001", **_HAIKU_4_5),
    _of("claude-sonnet-4-5", **_SONNET_4_5),
    _of("claude-sonnet-4-5-20250929", **_SONNET_4_5),
    Model(
        "claude-simulator-8k",
        "Simulator, 8k window",
        line=None,
        window_tokens=8_192,
        output_tokens=2_048,
        is_bound=True,
    ),
)

_BY_ID = {model.id: model for model in MODELS}


def find(model_id: object) -> Model | None:
    return _BY_ID.get(model_id) if isinstance(model_id, str) else None
