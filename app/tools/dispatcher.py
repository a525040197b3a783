"""The one door: every function call, Claude's and the server's own, goes through here and is traced."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar, cast

from app.claude.stop import Stop
from app.telemetry import redaction, tracing
from app.telemetry.logging import logger
from app.telemetry.redaction import Redactor
from app.tools import timed
from app.tools.arguments import complaints
from app.tools.hosts.outputs import Long, Output, cut, output_of
from app.tools.timed import GivenUp
from app.tools.values import Call, Limits, Result, Scene, Tool, ToolFailed

T = TypeVar("T")
log_lines = logger("tools")
MOST_ERROR_CHARACTERS = 500


def call(name: str, act: Callable[[], T], *, said: Any = None, told: Callable[[T], Any] | None = None) -> T:
    """Call a function of the server's own; `told` is what the trace says of its result."""
    with tracing.span(name, tracing.SERVER, said, has_own_work=True) as span:
        result = act()
        if told:
            span.output = told(result)
        return result


def use(tools: Mapping[str, Tool], one: Call, scene: Scene, limits: Limits) -> Result:
    """Call a tool for Claude. Whatever it does, a result comes back, within the limits."""
    mask = _mask()
    with tracing.span(mask.known(one.name), tracing.TOOL, mask.within(dict(one.input))) as span:
        span.status, output = _use(tools.get(one.name), one, scene, limits)
        kept = cut(output, limits.kept_characters)
        span.output = _shown(kept)
    sent = _shown(cut(kept, limits.sent_characters, image_characters=limits.kept_characters))
    return Result(one, sent, span.status != tracing.OK, span.status, span.ms)


def use_all(
    tools: Mapping[str, Tool],
    calls: Sequence[Call],
    scene: Scene,
    limits: Limits,
    ended: Callable[[Result], None] = lambda _: None,
) -> list[Result]:
    """Call several, at once where they may; the results in the order of the calls, each told as it comes."""

    def use_one(one: Call) -> Result:
        result = use(tools, one, scene, limits)
        ended(result)
        return result

    may_all = all(one.name not in tools or tools[one.name].is_parallel for one in calls)
    if len(calls) < 2 or not may_all:
        return [use_one(one) for one in calls]
    parent, mask = tracing.at_work(), _mask()

    def use_there(one: Call) -> Result:
        with tracing.within(parent), redaction.knowing(mask):
            return use_one(one)

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(use_there, calls))


def _use(tool: Tool | None, one: Call, scene: Scene, limits: Limits) -> tuple[str, Output]:
    """How it ended, and the whole of what came of it, without secrets."""
    mask = _mask()
    try:
        if tool is None:
            raise ToolFailed("There is no tool of this name. Call only those that you were told of.")
        if wrong := complaints(tool.input_schema, one.input):
            raise ToolFailed(f"The arguments are wrong: {'; '.join(wrong)}. Correct them and call again.")
        act = partial(_act, tool, one, scene, tracing.at_work(), mask)
        value = timed.run(act, scene.stop, tool.time_limit_seconds or limits.seconds)
        return tracing.OK, _masked(output_of(value), mask)
    except GivenUp as given_up:
        return given_up.status, str(given_up)
    except ToolFailed as error:
        return tracing.ERROR, mask(str(output_of(str(error))))
    except Exception as error:
        log_lines.exception("a tool failed", extra={"session_id": scene.session_id})
        return tracing.ERROR, mask(_in_brief(error))


def _act(tool: Tool, one: Call, scene: Scene, span: tracing.Span | None, mask: Redactor, stop: Stop) -> Any:
    with tracing.within(span), redaction.knowing(mask):
        return tool.act(one.input, replace(scene, stop=stop))


def _mask() -> Redactor:
    return redaction.at_work() or Redactor()


def _masked(output: Output, mask: Redactor) -> Output:
    return output.map(mask.known) if isinstance(output, Long) else cast(Output, mask.within(output))


def _shown(output: Output) -> str | Sequence[Mapping[str, Any]]:
    return str(output) if isinstance(output, Long) else output


def _in_brief(error: Exception) -> str:
    """What went wrong, for Claude, and never where: paths and code are nobody's business."""
    return f"{type(error).__name__}: {output_of(str(error))}"[:MOST_ERROR_CHARACTERS]
