"""The tools that there are, by name. Each source puts its own; whoever came first keeps a name."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import replace
from types import MappingProxyType

from app.telemetry import metrics
from app.telemetry.logging import logger
from app.tools.arguments import check_schema
from app.tools.values import BUILT_IN, Tool

log_lines = logger("tools")
NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")  # Claude's rule
NOBODY: frozenset[str] = frozenset()


class Registry:
    """Tools from several sources. `approval` names those that need it, whatever their source says.

    Sources that `expect` announced are loaded in the background: until they are, their tools are absent.
    """

    def __init__(self, tools: Iterable[Tool] = (), approval: Set[str] = NOBODY) -> None:
        self._approval = approval
        self._tools: Mapping[str, Tool] = MappingProxyType({})
        self._expected = set[str]()
        self._changed = threading.Condition()
        self._closing = list[Callable[[], None]]()
        self.put(BUILT_IN, tools)

    @property
    def tools(self) -> Mapping[str, Tool]:
        """Those of now. It never changes: what comes later is in another one."""
        return self._tools

    def expect(self, source: str, close: Callable[[], None]) -> None:
        """Say that this source will put its tools, and how it is ended."""
        with self._changed:
            self._expected.add(source)
            self._closing.append(close)

    def put(self, source: str, tools: Iterable[Tool]) -> None:
        """Take these in the place of all that the source put before. What cannot be taken is logged."""
        with self._changed:
            taken = {name: one for name, one in self._tools.items() if one.source != source}
            for one in tools:
                if wrong := _refusal(one, taken):
                    log_lines.warning("the tool %s of %s is left out: %s", one.name, one.source, wrong)
                else:
                    taken[one.name] = self._with_approval(one)
            self._tools = MappingProxyType(dict(sorted(taken.items(), key=_place)))
            metrics.know_tools(taken)
            self._have_come(source)

    def put_nothing(self, source: str) -> None:
        """Wait for this source no longer. What it put before stays."""
        with self._changed:
            self._have_come(source)

    def wait(self, most_seconds: float) -> bool:
        """Return when every source has put its tools, or after so many seconds; whether all have."""
        ends_at = time.monotonic() + most_seconds
        with self._changed:
            while self._expected and (left := ends_at - time.monotonic()) > 0:
                self._changed.wait(left)
            return not self._expected

    def check_approval(self) -> None:
        """Log the names that need approval and are no tool's: somebody relies on them."""
        if unknown := self._approval - self._tools.keys():
            log_lines.warning("COLLOQUY_TOOLS_APPROVAL names what is no tool: %s", ", ".join(sorted(unknown)))

    def close(self) -> None:
        """End what the sources run."""
        while self._closing:
            self._closing.pop()()

    def _have_come(self, source: str) -> None:
        is_last = self._expected == {source}
        self._expected.discard(source)
        self._changed.notify_all()
        if is_last:
            self.check_approval()

    def _with_approval(self, tool: Tool) -> Tool:
        return replace(tool, needs_approval=True) if tool.name in self._approval else tool


def _place(named: tuple[str, Tool]) -> tuple[bool, str]:
    """Whenever a source comes, the order is the same: Claude's prompt cache depends on it."""
    return named[1].source != BUILT_IN, named[1].source


def _refusal(tool: Tool, taken: Mapping[str, Tool]) -> str:
    """Why it cannot be a tool here; empty where it can."""
    if not NAME.fullmatch(tool.name):
        return "a name is 1 to 128 letters, digits, `_` and `-`"
    if tool.name in taken:
        return f"there is one of this name from {taken[tool.name].source}"
    try:
        check_schema(tool.input_schema)
    except ValueError as error:
        return str(error)
    return ""
