"""Whole conversations, each held at a small budget for a while: at any pace, with pins and recall."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.claude import rules
from app.context import Ask, Entry, Prompt, State, Window
from app.context.quoting import text_of
from app.context.values import Windows
from tests.context.talks import LARGE, MODEL, Talk, text, texts, thinking, user

SENTENCES = ("The cat sat on the mat and looked at me.", "Où est la clé de la cave ?", '{"net": [1, 2, 35]}')


def windows_of(talk: Talk) -> Any:
    """Finds the same each time it is asked for the same."""

    def recall(_: str, before_depth: int, __: int) -> Windows:
        random = Random(before_depth)  # noqa: S311 - no secret
        middles = random.sample(range(before_depth), k=min(before_depth, 4))
        return [talk.path[max(0, at - 1) : min(at + 2, before_depth)] for at in middles]

    return recall


def held(seed: int, count: int = 40) -> Talk:
    """A conversation of so many turns, which can be told from each other."""
    random = Random(seed)  # noqa: S311 - no secret
    system = random.choice((None, "Be brief. " * random.randrange(1, 60)))
    budget_tokens = random.choice((2_500, 4_000, 6_000))
    talk = Talk(
        ask=Ask(MODEL, 400, system, budget_tokens, recall_tokens=random.choice((0, 300, 1_000))),
        limits=random.choice((LARGE, Window(MODEL, 8_192, 2_048))),
    )
    talk.recall = windows_of(talk)
    for at in range(count):
        said = random.choice(SENTENCES) * random.randrange(1, 12)
        thought = [thinking("sig", "Let me see. " * 5)] if random.random() < 0.3 else []
        seconds = random.choice((20, 20, 200, 400, 2_000, 5_000))
        talk.turn(f"Question {at}: {said}", *thought, text(f"Answer {at}: {said}"), seconds=seconds)
        if at == count // 4:
            talk.pin(random.randrange(len(talk.path)))
    return talk


SEEDS = st.integers(0, 10_000)


def prefix(prompt: Prompt) -> list[Any]:
    """Model, tools, system and all blocks up to the last marker, markers apart."""
    bare = replace(prompt, markers=()).as_request()
    found = [bare["model"], bare.get("tools"), bare.get("system")]
    for end in prompt.markers[-1:]:
        messages = bare["messages"][: end.message + 1]
        found += messages[:-1]
        found.append({**messages[-1], "content": messages[-1]["content"][: end.block + 1]})
    return [json.dumps(one) for one in found]


def ids(entries: Sequence[Entry]) -> list[str]:
    return [one.id for one in entries]


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_the_prefix_up_to_the_last_marker_stays_to_the_byte_but_for_planned_cuts(seed: int) -> None:
    heard = [prompt for prompt, _ in held(seed).heard]
    for before, after in pairwise(heard):
        if after.plan.cut is None and ids(after.plan.pinned) == ids(before.plan.pinned):
            assert prefix(after)[: len(prefix(before))] == prefix(before)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_another_process_makes_the_same_bytes(seed: int) -> None:
    talk, newest = held(seed, 12), user("And now?", 24)
    digest = talk.prompt_for(newest).digest
    assert talk.state is not None
    again = State.from_json(json.loads(json.dumps(talk.state.as_json())))
    assert again == talk.state
    talk.state = again
    assert talk.prompt_for(newest).digest == digest


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_every_prompt_is_allowed_and_within_its_budget(seed: int) -> None:
    talk = held(seed)
    for prompt, truth in talk.heard:
        request = prompt.as_request()
        marked = len(prompt.markers) + ("system" in request)
        assert rules.violations(request) == []
        assert marked <= 4
        assert truth <= talk.ask.budget_tokens
        assert prompt.plan.greatest_tokens <= talk.ask.budget_tokens
        assert truth + prompt.max_tokens <= talk.limits.window_tokens


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_the_newest_and_the_pinned_are_always_sent_and_the_kept_begins_with_a_turn(seed: int) -> None:
    talk = held(seed)
    for at, (prompt, _) in enumerate(talk.heard):
        sent, plan = texts(prompt), prompt.plan
        first = talk.path[plan.first_depth]
        assert f"Question {at}:" in sent
        assert (first.role, plan.last_depth) == ("user", 2 * at)
        assert all(text_of(one.content).strip() in sent for one in plan.pinned)
        assert all(one.depth < plan.first_depth for one in plan.pinned)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_what_is_recalled_was_cut_and_stands_there_once(seed: int) -> None:
    for prompt, _ in held(seed).heard:
        depths = prompt.plan.recalled_depths
        pinned = {one.depth for one in prompt.plan.pinned}
        assert depths == sorted(set(depths))
        assert all(depth < prompt.plan.first_depth and depth not in pinned for depth in depths)
        sent = [line for line in texts(prompt).splitlines() if line.startswith(("user: ", "assistant: "))]
        assert len(sent) == len(depths)
