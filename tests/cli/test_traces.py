"""`flask admin trace`: the trace of an answer in the terminal, by either id."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask

from app.telemetry.tracing import ERROR, TIMEOUT
from tests.support import Api
from tests.traces import BEGAN, store, tool, turn

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask, people: None) -> Run:
    def command(*words: str, colour: bool = False) -> Result:
        runner = app.test_cli_runner(env={"COLUMNS": "80"})
        return runner.invoke(args=["admin", "trace", *words], color=colour)

    return command


@pytest.fixture
def ids(app: Flask, api: Api) -> tuple[str, str]:
    """An answer with a trace: their ids."""
    message_id = str(api.say(api.session(), "Hello")["id"])
    calls = (
        tool("fetch", ERROR, ms=40.0, input={"url": "x"}, output="gone"),
        tool("clock", TIMEOUT, 50.0, 50.0),
    )
    with app.app_context():
        return message_id, store(message_id, turn(*calls, started_at=BEGAN))


def test_it_is_drawn_by_the_id_of_the_message_or_its_own(run: Run, ids: tuple[str, str]) -> None:
    by_message, by_own = (run(one) for one in ids)
    assert by_message.exit_code == 0, by_message.output
    assert by_own.output == by_message.output
    head, root, fetch, clock = by_own.output.splitlines()
    assert head.split() == [
        ids[1],
        ids[0],
        "2026-11-25",
        "12:00:00",
        "UTC",
        "4bf92f3577b34da6a3ce929d0e0e4736",
    ]
    for line, name, says in (
        (root, "turn", "ok"),
        (fetch, "  fetch", "error"),
        (clock, "  clock", "timeout"),
    ):
        assert line.startswith(name)
        assert says in line
        assert len(line) <= 80
    assert "gone" not in by_own.output


def test_verbose_says_what_was_given_and_came(run: Run, ids: tuple[str, str]) -> None:
    said = run(ids[0], "--verbose").output
    assert '    input: {"url": "x"}\n    output: gone\n' in said


def test_colours_are_for_a_terminal_only(run: Run, ids: tuple[str, str]) -> None:
    assert "\x1b[" not in run(ids[0]).output
    assert "\x1b[31m  fetch" in run(ids[0], colour=True).output


def test_what_is_not_there_is_said_in_a_line(run: Run) -> None:
    result = run("trc_x")
    assert result.exit_code == 1
    assert result.output.startswith("Error: There is no trace trc_x")
