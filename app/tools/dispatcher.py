"""The one door: every function call, Claude's and the server's own, goes through here and is traced."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from app.telemetry import tracing
from app.tools.values import Call, Limits, Result, Scene, Tool

T = TypeVar("T")


def call(name: str, act: Callable[[], T], *, said: Any = None, told: Callable[[T], Any] | None = None) -> T:
    """Call a function of the server's own; `told` is what the trace says of its result."""
    with tracing.span(name, tracing.SERVER, said) as span:
        result = act()
        if told:
            span.output = told(result)
        return result


def use(tools: Mapping[str, Tool], one: Call, scene: Scene, limits: Limits) -> Result:
    """Call a tool for Claude. Whatever it does, a result comes back, within the limits."""
    raise NotImplementedError


def use_all(tools: Mapping[str, Tool], calls: Sequence[Call], scene: Scene, limits: Limits) -> list[Result]:
    """Call several, at once where they may; the results in the order of the calls."""
    raise NotImplementedError
