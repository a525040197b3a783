"""What is kept of a context with each answer."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest

from app.context import State
from app.context.silences import Silences
from app.context.state import mean
from tests.context.talks import ASK, MODEL, NOW, Talk, text

OLDER = "claude-opus-4-6"
BARE = State(MODEL, 1.0, NOW, 0, "5m", "base", "preface", 100)


def lived() -> State:
    talk = Talk(ask=replace(ASK, system="Be brief.", budget_tokens=4_000))
    for at in range(12):
        talk.turn(f"Question {at} " * 20, text("Answer. " * 90), seconds=400 if at % 3 else 30)
    assert talk.state is not None
    return talk.state


@pytest.mark.parametrize("state", [BARE, lived()])
def test_it_comes_back_from_json_as_it_was_stored(state: State) -> None:
    stored = json.loads(json.dumps(state.as_json()))
    again = State.from_json(stored)
    assert again.as_json() == stored
    assert again == state or state is BARE


def test_only_what_is_no_default_is_stored() -> None:
    stored = BARE.as_json()
    assert stored.keys() == {
        "model",
        "tokens_factor",
        "asked_at",
        "start_depth",
        "ttl",
        "base_digest",
        "preface_digest",
        "base_tokens",
        "silences",
        "rates",
    }
    assert len(json.dumps(lived().as_json())) < 2_000, "it is stored with every answer"


def test_another_models_tokens_are_rescaled_and_nothing_of_its_cache_is_left() -> None:
    state = replace(BARE, prompt_tokens=1_300, thinking_tokens=130, marked_tokens=900, is_counted=True)
    older = state.rescaled(OLDER, 1 / 1.3)
    assert (older.model, older.prompt_tokens, older.thinking_tokens) == (OLDER, 1_000, 100)
    assert (older.marked_tokens, older.is_counted) == (0, False)
    assert older.tokens_a_turn == pytest.approx(state.tokens_a_turn / 1.3)
    assert state.rescaled(MODEL, 1.0) is state


def test_a_running_mean_follows_what_is_new() -> None:
    found = 0.0
    for _ in range(30):
        found = mean(found, 100)
    assert found == pytest.approx(100, rel=0.01)
    assert mean(100, 0) == 80


def test_every_field_is_stored_when_it_differs() -> None:
    changed = replace(lived(), summary_id="sum_1", scale=1.5, silences=Silences(1, 2, 3))
    names = {one.name for one in fields(State)}
    missing = names - changed.as_json().keys()
    unused = {"preface_tokens", "recalled_tokens", "recalls_from_depth"}
    assert missing <= {"thinking_tokens", "thinking_messages", *unused}
