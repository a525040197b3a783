"""`flask admin price`, on both databases."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask

from app.services import prices

Run = Callable[..., Result]
SET = ("--input", "2", "--cache-read", "0.1", "--cache-write-5m", "2.5", "--cache-write-1h", "4")


@pytest.fixture
def run(app: Flask) -> Run:
    def command(*words: str) -> Result:
        return app.test_cli_runner().invoke(args=["admin", "price", *words])

    return command


def test_a_price_is_set_listed_and_taken_back(run: Run, app: Flask) -> None:
    made = run("set", "claude-of-tomorrow", *SET, "--output", "10", "--web-search-nano-usd", "5")
    assert made.exit_code == 0, made.output
    with app.app_context():
        found = prices.needed("claude-of-tomorrow")
    assert (found.tiers[0].output_nano_usd, found.web_search_nano_usd) == (10_000, 5)
    assert run("list").output == f"claude-of-tomorrow  2  0.1  2.5  4  10  {found.version}\n"
    assert run("remove", "claude-of-tomorrow").exit_code == 0
    assert run("list").output == ""


def test_what_is_wrong_is_told_in_a_line(run: Run) -> None:
    for words in (
        ("set", "m", *SET, "--output", "ten"),
        ("remove", "m"),
        ("set", "m" * 201, *SET, "--output", "1"),
    ):
        refused = run(*words)
        assert refused.exit_code == 1, words
        assert refused.output.startswith("Error: ")
    assert run("set", "m", *SET).exit_code == 2
