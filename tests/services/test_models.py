"""Models: upstream's list first, then the price list, then a guess that is safe."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask

from app.claude.simulator import Simulator
from app.context import Window
from app.context.tariff import Tariff
from app.services import models
from app.services.models import (
    OLDER_TOKENS_FACTOR,
    UNKNOWN_OUTPUT_TOKENS,
    UNKNOWN_WINDOW_TOKENS,
    USUAL_BUDGET_TOKENS,
)
from config import Config
from tests.conftest import made


def asked(simulator: Simulator) -> int:
    return sum(one.path.startswith("/v1/models") for one in simulator.requests)


def test_a_priced_model_is_known_without_asking(config: Config, simulator: Simulator) -> None:
    with made(config) as app, app.app_context():
        before = asked(simulator)
        assert models.window_of("claude-sonnet-5-5") == Window(
            "claude-sonnet-5-5",
            1_000_000,
            128_000,
            1.0,
            USUAL_BUDGET_TOKENS,
            Tariff(read=0.05, minimum_tokens=512),
        )
        assert asked(simulator) == before


def test_upstream_is_asked_once_about_models_without_a_price(config: Config, simulator: Simulator) -> None:
    with made(config) as app, app.app_context():
        before = asked(simulator)
        assert models.window_of("claude-simulator-8k").window_tokens < 10_000
        models.window_of("claude-simulator-8k")
        models.available()
        assert asked(simulator) == before + 1


def test_a_model_nobody_knows_gets_a_modest_window(app: Flask) -> None:
    with app.app_context():
        window = models.window_of("claude-of-tomorrow")
    assert window == Window(
        "claude-of-tomorrow", UNKNOWN_WINDOW_TOKENS, UNKNOWN_OUTPUT_TOKENS, 1.0, USUAL_BUDGET_TOKENS
    )


@pytest.mark.parametrize(
    ("model", "factor"), [("claude-opus-4-6", OLDER_TOKENS_FACTOR), ("claude-opus-5-5", 1.0)]
)
def test_each_tokenizer_has_its_factor(app: Flask, model: str, factor: float) -> None:
    with app.app_context():
        assert models.window_of(model).tokens_factor == factor


def test_the_default_model_is_marked_and_alone(config: Config) -> None:
    with made(replace(config, model="claude-haiku-5-5")) as app, app.app_context():
        assert [one.id for one in models.available() if one.is_default] == ["claude-haiku-5-5"]


def test_where_upstream_is_silent_the_price_list_serves_and_sends_go_on(config: Config) -> None:
    silent = replace(config, anthropic_base_url="http://127.0.0.1:9")
    with made(silent) as app, app.app_context():
        ids = [one.id for one in models.available()]
        assert "claude-sonnet-5-5" in ids
        assert ids == sorted(ids)
        assert models.window_of("claude-of-tomorrow").window_tokens == UNKNOWN_WINDOW_TOKENS


def test_figures_know_few_names_of_models(config: Config) -> None:
    with made(config) as app, app.app_context():
        assert models.usual_name("claude-sonnet-5-5") == "claude-sonnet-5-5"
        assert models.usual_name("claude-sonnet-5-5-and what else I write") in {"claude-sonnet-5-5", "other"}
        assert models.usual_name("my-own") == models.usual_name("claude-simulator-mine") == "other"
        models.available()
        for card in models.available():
            assert models.usual_name(card.id) != "other"
