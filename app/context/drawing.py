"""What was decided, put together: preface, kept turns, what is recalled, the new message, the markers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from app.context import preface, recalled, sizes, tokens
from app.context.cutting import Cut
from app.context.plain import render
from app.context.plan import Sources
from app.context.preface import Preface
from app.context.recalled import Recalled
from app.context.rendering import Transcript
from app.context.scene import Scene, beginning_at
from app.context.values import Block, Entry, Marker
from app.errors import Fault, Invalid

DOUBT_OF_GUESSES, DOUBT_OF_FIRST_GUESSES = 0.1, 1.0  # as a share of what was never counted
PREFACE_DEPTH, RECALLED_DEPTH = -2, -3


@dataclass(frozen=True)
class Drawing:
    """A prompt before it is one."""

    scene: Scene
    cut: Cut
    preface: Preface
    recalled: Recalled
    transcript: Transcript

    @property
    def kept(self) -> Sequence[Entry]:
        """The entries that are sent as they were said."""
        return self.scene.past.path[self.cut.start :]

    @property
    def newest_depth(self) -> int:
        """The depth of the newest message, an instruction left aside."""
        return next(one.depth for one in reversed(self.kept) if not one.is_instruction)

    @property
    def is_continued(self) -> bool:
        """Whether it begins with all that the prompt before held."""
        state = self.scene.state
        if state is None or not self.scene.has_same_base:
            return False
        is_same_start = state.start_depth == self.kept[0].depth and self.recalled.is_whole
        return is_same_start and state.preface_digest == self.preface.digest

    @cached_property
    def ttl(self) -> str:
        """How long the cache is to live: chosen anew where it is written anew."""
        scene = self.scene
        if scene.state and not scene.is_cold and not self.cut.reason:
            return scene.state.ttl
        prefix = scene.base_tokens + self.preface.tokens + scene.size_of(slice(self.cut.start, None))
        return scene.silences.best_ttl(scene.limits.tariff, prefix, scene.tokens_a_turn)

    @cached_property
    def thinking_tokens(self) -> int:
        """The expected tokens of the thinking that goes back."""
        ids, state = set(self.transcript.thinking_ids), self.scene.state
        fresh = [self.scene.past.path[at] for at in self.scene.sizes.fresh]
        thought = [one for one in fresh if one.id in ids]
        known = 0
        if state and self.is_continued and len(ids) == state.thinking_messages + len(thought):
            known = state.thinking_tokens
        elif ids:
            thought = [one for one in self.kept if one.id in ids]
        return known + sum(sizes.of_thinking(one, self.scene.rates) for one in thought)

    @cached_property
    def sources(self) -> Sources:
        """Where the tokens come from. What has no source of its own is the history's."""
        scene = self.scene
        base = scene.base_tokens
        drift = self._drift_tokens if self.is_continued else 0
        system = (min(scene.system_tokens, base) if scene.ask.tools else base) if scene.ask.system else 0
        tools = base - system if scene.ask.tools else 0
        kept = scene.size_of(slice(self.cut.start, scene.newest))
        history = kept + self.thinking_tokens + drift + base - system - tools
        return Sources(
            system=system,
            tools=tools,
            summary=self.preface.summary_tokens,
            pins=self.preface.pins_tokens,
            history=max(history, 0),
            recalled=self.recalled.tokens + self.recalled.kept_tokens,
            new=scene.size_of(slice(scene.newest, None)) + min(history, 0),
        )

    @property
    def doubt_tokens(self) -> int:
        """By how much the prompt may be larger than expected."""
        scene, state = self.scene, self.scene.state
        doubt = (
            scene.fresh_doubt_tokens(self.cut.start) + self.recalled.greatest_tokens - self.recalled.tokens
        )
        if state and state.is_counted and self.is_continued:
            return doubt + max(self.thinking_tokens - state.thinking_tokens, 0)
        guessed = sum(scene.sizes.tokens[at] for at in scene.sizes.guesses if at >= self.cut.start)
        guessed += self.preface.tokens + self.thinking_tokens + self.recalled.kept_tokens
        doubt += preface.doubt_tokens(scene, self.preface.blocks)
        has_learned = state is not None and state.has_learned
        share = DOUBT_OF_GUESSES if has_learned else DOUBT_OF_FIRST_GUESSES
        return doubt + math.ceil(guessed * share) + abs(self._drift_tokens)

    @property
    def has_files(self) -> bool:
        """Whether files are in it that only Claude can count."""
        has_new_preface = not self.is_continued and tokens.has_files(self.preface.blocks)
        return self.scene.sizes.has_files or has_new_preface

    @property
    def _drift_tokens(self) -> int:
        return self.scene.state.drift_tokens if self.scene.state else 0

    @property
    def instruction(self) -> str | None:
        """What the server itself says after all of it."""
        last = self.scene.past.path[-1]
        return str(last.content[0]["text"]) if last.is_instruction else None

    @property
    def passing_tokens(self) -> int:
        """What is in this prompt and in no later one."""
        instruction = self.scene.past.path[-1].is_instruction
        return self.recalled.tokens + (self.scene.sizes.tokens[-1] if instruction else 0)

    @cached_property
    def marked(self) -> int | None:
        """The index of the entry after which the cached prefix ends.

        It is the newest message, or, where recalled text that is not kept stands before that, the one before.
        """
        path = self.scene.past.path
        end = self.scene.newest if self.recalled.new else len(path)
        for at in range(end - 1, self.cut.start - 1, -1):
            if path[at].depth in self.transcript.ends and not path[at].is_instruction:
                return at
        return None

    @property
    def unmarked_tokens(self) -> int:
        """What stands after the last marker."""
        after = (self.cut.start - 1 if self.marked is None else self.marked) + 1
        is_after = after <= self.scene.newest
        return self.scene.size_of(slice(after, None)) + (self.recalled.tokens if is_after else 0)

    @property
    def markers(self) -> tuple[Marker, ...]:
        """Where the cache is written, at most three and one after system and tools.

        After the preface; where the last prompt's marker stood, so that what it wrote is found, whatever came
        since; and at the end of what is kept.
        """
        state, marked, ends = self.scene.state, self.marked, self.transcript.ends
        depths = [PREFACE_DEPTH]
        depths += [state.marked_depth] if state and self.is_continued else []
        depths += [self.scene.past.path[marked].depth] if marked is not None else []
        places = sorted({ends[depth] for depth in depths if depth in ends})
        ttl = self.ttl
        return tuple(Marker(message, block, ttl) for message, block in places)


def drawn(scene: Scene, cut: Cut) -> Drawing:
    """What the prompt that begins at the cut would be; whether it fits is not looked at here."""
    scene = beginning_at(cut.start, scene)
    before = preface.made(scene, cut)
    brought = recalled.made(
        scene, cut, _recall_room_tokens(scene, cut, before), {one.depth for one in before.pinned}
    )
    quotations = {depth: one.text for depth, one in brought.all.items()}
    transcript = render(list(in_order(before.blocks, quotations, scene.past.path[cut.start :])), scene.ask)
    newest = scene.past.path[scene.newest :]
    is_said = any(entry.depth in transcript.ends for entry in newest)
    if not is_said or transcript.messages[-1]["role"] != "user":
        raise Invalid(
            "Nothing of the newest message can be sent: a tool_result must answer a tool_use of the answer "
            "before it, and text must not be blank.",
            faults=[Fault("/content", "holds nothing that can be sent")],
        )
    return Drawing(scene, cut, before, brought, transcript)


def _recall_room_tokens(scene: Scene, cut: Cut, before: Preface) -> int:
    others = scene.base_tokens + before.tokens + scene.size_of(slice(cut.start, None))
    others += scene.fresh_doubt_tokens(cut.start) + (
        scene.state.drift_tokens if scene.state and not cut.reason else 0
    )
    return min(scene.split.recall_tokens, scene.split.input_tokens - others)


def in_order(
    before: Sequence[Block], quotations: Mapping[int, str], kept: Iterable[Entry]
) -> Iterator[Entry]:
    """Everything in the order in which it is sent. What is recalled stands before the turn it is for."""
    if before:
        yield Entry("", "user", before, is_instruction=True, depth=PREFACE_DEPTH)
    for entry in kept:
        if entry.depth in quotations:
            blocks: list[Block] = [{"type": "text", "text": quotations[entry.depth]}]
            yield Entry("", "user", blocks, is_instruction=True, depth=RECALLED_DEPTH)
        yield entry
