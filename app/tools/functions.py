"""Functions of the server as tools. One that must know for whom it is called asks `scene()`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from app.tools.hosts.functions import WrongArguments, call, describe
from app.tools.values import Scene, Tool, ToolFailed

_SCENE: ContextVar[Scene] = ContextVar("tool_scene")


def tool_of(function: Callable[..., Any], *, needs_approval: bool = False, is_parallel: bool = True) -> Tool:
    """A tool that calls this function. Raises TypeError that says why it can be none."""
    found = describe(function)

    def act(arguments: Mapping[str, Any], scene: Scene) -> Any:
        token = _SCENE.set(scene)
        try:
            return call(function, arguments)
        except WrongArguments as error:
            raise ToolFailed(f"The arguments are wrong: {error}.") from None
        finally:
            _SCENE.reset(token)

    return Tool(
        found.name,
        found.description,
        found.input_schema,
        act,
        needs_approval=needs_approval,
        is_parallel=is_parallel,
    )


def scene() -> Scene:
    """For whom and in which turn the tool at work is called."""
    return _SCENE.get()
