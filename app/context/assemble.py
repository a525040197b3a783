"""The one entry: the end of a path and what is known of it become a prompt that fits the model."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.context import books, cutting, forecast
from app.context.cutting import Cut
from app.context.drawing import Drawing, drawn
from app.context.plan import Plan
from app.context.scene import seen
from app.context.values import Ask, Past, Prompt, Window
from app.errors import ContextOverflow, Fault

MOST_TRIES = 4


@dataclass(frozen=True)
class Try:
    """A drawing, and how many tokens Claude has counted of it, if it was asked."""

    drawing: Drawing
    counted_tokens: int | None = None

    @property
    def greatest_tokens(self) -> int:
        """What the prompt will not exceed."""
        expected = self.drawing.sources.total + self.drawing.doubt_tokens
        return expected if self.counted_tokens is None else self.counted_tokens

    @property
    def is_alone(self) -> bool:
        """Whether only the newest turn is left."""
        return self.drawing.cut.start == self.drawing.scene.newest

    @property
    def room_tokens(self) -> int:
        """What the prompt may take: the newest turn alone may take of the answer's share too."""
        split = self.drawing.scene.split
        return split.greatest_input_tokens if self.is_alone else split.input_tokens

    @property
    def is_worth_counting(self) -> bool:
        """Whether it holds files, or might fit where nothing more can be left out."""
        if self.counted_tokens is not None:
            return False
        might_fit = self.greatest_tokens > self.room_tokens > self.drawing.sources.total / 2
        return self.drawing.has_files or (self.is_alone and might_fit)


def assemble(past: Past, ask: Ask, limits: Window) -> Prompt:
    """The prompt for the newest message of the path, which is its last entry.

    The oldest whole turns are left out where the history has grown to its high-water mark, or where leaving
    them out costs nothing. Where the newest turn alone is too large, raises ContextOverflow, which names what
    takes the room.
    """
    scene = seen(past, ask, limits)
    return _prompt(_fitted(Try(drawn(scene, cutting.decided(scene)))))


def _fitted(one: Try) -> Try:
    """One that is sure to fit: counted where that helps, else cut deeper."""
    for _ in range(MOST_TRIES):
        if one.is_worth_counting:
            one = _counted(one)
        if one.greatest_tokens <= one.room_tokens:
            return one
        scene, cut = one.drawing.scene, one.drawing.cut
        start = cutting.deeper(scene, cut.start, one.greatest_tokens - one.room_tokens)
        if start == cut.start and cut.is_bare:
            break
        one = Try(drawn(scene, Cut(start, cut.reason or "high_water", is_bare=start == cut.start)))
    if one.greatest_tokens <= one.room_tokens:
        return one
    raise _overflow(one)


def _counted(one: Try) -> Try:
    """With Claude's own count, where it can be had."""
    request = _prompt(one).as_request()
    request.pop("max_tokens")
    return replace(one, counted_tokens=one.drawing.scene.past.count(request))


def _prompt(one: Try) -> Prompt:
    drawing, scene = one.drawing, one.drawing.scene
    return Prompt(
        model=scene.ask.model,
        max_tokens=scene.split.output_tokens(one.greatest_tokens),
        messages=tuple(drawing.transcript.messages),
        bound_to=drawing.transcript.bound_to,
        plan=_plan(one),
        state=books.opened(drawing),
        expected=books.expected(drawing),
        system=scene.ask.system,
        tools=scene.ask.tools,
        thinking_ids=drawing.transcript.thinking_ids,
        markers=drawing.markers,
        quotations=tuple(drawing.recalled.all.values()),
        instruction=drawing.instruction,
    )


def _plan(one: Try) -> Plan:
    drawing, scene = one.drawing, one.drawing.scene
    sources = drawing.sources
    if one.counted_tokens is not None:
        sources = sources.counted(one.counted_tokens)
    marked = sources.total - drawing.unmarked_tokens
    return Plan(
        budget_tokens=scene.split.input_tokens,
        sources=sources,
        greatest_tokens=one.greatest_tokens,
        is_exact=one.counted_tokens is not None,
        cut=drawing.cut.reason,
        is_cold=scene.is_cold,
        ttl=drawing.ttl,
        first_depth=drawing.kept[0].depth,
        last_depth=drawing.newest_depth,
        recalled_depths=drawing.recalled.depths,
        pinned=drawing.preface.pinned,
        summary=drawing.preface.summary,
        cached=forecast.cached(drawing, sources.total, marked),
        uncached=forecast.uncached(drawing, sources.total, marked),
        answer_tokens=round(scene.answer_tokens),
    )


def _overflow(one: Try) -> ContextOverflow:
    scene, sources = one.drawing.scene, one.drawing.sources
    share = "by the budget" if scene.ask.budget_tokens else f"of the {scene.limits.window_tokens}"
    return ContextOverflow(
        f"It needs up to {one.greatest_tokens} tokens; {one.room_tokens} {share} of {scene.limits.model} are "
        "for input: shorten it, raise the budget, lower max_tokens, or take another model.",
        faults=[
            Fault("/content", f"the new message: about {sources.new} tokens"),
            Fault("/system", f"system prompt and tools: about {sources.system + sources.tools} tokens"),
            Fault("/context", f"pinned messages and summary: about {sources.pins + sources.summary} tokens"),
            Fault("/max_tokens", f"kept for the answer: {scene.split.max_tokens} tokens"),
        ],
    )
