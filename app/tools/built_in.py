"""The tools that every server has."""

from __future__ import annotations

from collections.abc import Sequence

from app.tools.arithmetic import calculate
from app.tools.clock import current_time
from app.tools.functions import tool_of
from app.tools.values import Tool


def built_in() -> Sequence[Tool]:
    """Them all."""
    return [tool_of(current_time), tool_of(calculate)]
